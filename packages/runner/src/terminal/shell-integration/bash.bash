# bash reads this in place of ~/.bashrc, which it reads itself. It marks in the shell's output where the prompt (OSC 133 A),
# the typed line (B) and the output (C) begin, how the command ended (D), what was typed (OSC 633 E) and the directory (P).
# Nothing is exported, so no shell within this one has any of it. Functions come first: no alias of the person's is in them.

__holdfast_escape() { # sets REPLY
  local text=${1:0:4096} controls code
  text=${text//\\/"\\\\"}
  text=${text//;/"\\x3b"}
  while [[ $text == *[[:cntrl:]]* ]]; do
    controls=${text//[![:cntrl:]]/}
    builtin printf -v code '\\x%02x' "'${controls:0:1}"
    text=${text//"${controls:0:1}"/"$code"}
  done
  REPLY=$text
}

# In a subshell. A line that the history did not take has not to be told: it may be a secret behind a space.
__holdfast_output_begins() {
  local entry='^ *[0-9]+[* ] (.*)$' line REPLY
  if [[ ${HISTCMD-} != "$__holdfast_number" ]]; then
    line=$(HISTTIMEFORMAT='' builtin history 1)
    if [[ $line =~ $entry ]]; then
      __holdfast_escape "${BASH_REMATCH[1]}"
      builtin printf '\e]633;E;%s\a' "$REPLY"
    fi
  fi
  builtin printf '\e]133;C\a'
}

__holdfast_prompt() {
  local exit_status=$? REPLY
  if [[ $__holdfast_running == 1 ]]; then builtin printf '\e]133;D;%s\a' "$exit_status"; fi
  __holdfast_running=0
  __holdfast_number=${HISTCMD-}
  __holdfast_escape "$PWD"
  builtin printf '\e]633;P;Cwd=%s\a' "$REPLY"
  if ! builtin shopt -q promptvars; then
    # What stands in the prompts would be shown as it is.
    PS0=${PS0-} PS1=${PS1-}
    PS0=${PS0/"$__holdfast_ps0"/} PS1=${PS1/"$__holdfast_ps1_start"/} PS1=${PS1/"$__holdfast_ps1_end"/}
    return 0
  fi
  # Anew before each prompt: the person's own commands may have made another one.
  if [[ ${PS0-} != *__holdfast_* ]]; then PS0=$__holdfast_ps0${PS0-}; fi
  if [[ ${PS1-} != *'133;A'* ]]; then PS1=$__holdfast_ps1_start${PS1-}$__holdfast_ps1_end; fi
  return 0
}

__holdfast_begin() {
  local name declaration readonly='^declare -[A-Za-z]*r'
  # PROMPT_COMMAND is a list, each of it with the command's exit status, since 5.1.
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then return 0; fi
  for name in PROMPT_COMMAND PS0 PS1; do
    declaration=$(builtin declare -p "$name" 2>/dev/null) || :
    if [[ $declaration =~ $readonly ]]; then return 0; fi
  done
  __holdfast_running=0
  __holdfast_number=''
  __holdfast_marks=''
  # A prompt that was exported means nothing to a shell without these.
  __holdfast_ps1_start='\[${__holdfast_marks+\e]133;A\a}\]'
  __holdfast_ps1_end='\[${__holdfast_marks+\e]133;B\a}\]'
  # The arithmetic is done by the shell itself, and prints nothing.
  __holdfast_ps0='${__holdfast_marks+${__holdfast_marks:$((__holdfast_running=1)):0}$(__holdfast_output_begins)}'
  # The first place is left to those who write PROMPT_COMMAND=….
  if [[ -z ${PROMPT_COMMAND[*]+set} ]]; then PROMPT_COMMAND=(''); fi
  PROMPT_COMMAND+=(__holdfast_prompt)
}

if [[ -r ~/.bashrc ]]; then . ~/.bashrc; fi
__holdfast_begin
