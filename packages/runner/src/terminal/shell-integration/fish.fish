# fish reads this after the person's own files. It marks in the shell's output where the prompt (OSC 133 A), the typed line
# (B) and the output (C) begin, how the command ended (D), what was typed (OSC 633 E) and the directory (P).

function __holdfast_escape
    string sub --length 4096 -- $argv[1] | string collect \
        | string replace --all -- \\ \\\\ | string replace --all -- ';' '\\x3b' | string join -- '\\x0a' \
        | string replace --all -- \e '\\x1b' | string replace --all -- \t '\\x09' \
        | string replace --all --regex -- '[[:cntrl:]]' ''
end

function __holdfast_directory --on-event fish_prompt
    printf '\e]633;P;Cwd=%s\a' (__holdfast_escape $PWD)
end

function __holdfast_line --on-event fish_preexec
    printf '\e]633;E;%s\a' (__holdfast_escape "$argv[1]")
end

# From 4.0 on fish tells the rest itself.
if not string match --quiet --regex '^[123]\.' -- $version
    exit
end

function __holdfast_output_begins --on-event fish_preexec
    printf '\e]133;C\a'
end

function __holdfast_command_ended --on-event fish_postexec
    printf '\e]133;D;%s\a' $status
end

function __holdfast_status
    return $argv[1]
end

if functions --query fish_prompt; and not functions --query __holdfast_own_prompt
    functions --copy fish_prompt __holdfast_own_prompt
    function fish_prompt
        set --local last $status
        printf '\e]133;A\a'
        __holdfast_status $last
        __holdfast_own_prompt
        printf '\e]133;B\a'
    end
end
