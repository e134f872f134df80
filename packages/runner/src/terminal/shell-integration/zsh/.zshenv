# zsh reads this in place of the person's .zshenv: it gives back their ZDOTDIR, so that all other files are read from there,
# reads theirs, and marks in the shell's output where the prompt (OSC 133 A), the typed line (B) and the output (C) begin,
# how the command ended (D), what was typed (OSC 633 E) and the directory (P). Functions come first: no alias is in them.

__holdfast_escape() { # sets REPLY
  emulate -L zsh
  local text=${1[1,4096]} control code
  text=${text//\\/\\\\}
  text=${text//;/\\x3b}
  while [[ $text == *[[:cntrl:]]* ]]; do
    control=${${text//[^[:cntrl:]]/}[1]}
    builtin printf -v code '\\x%02x' "'$control"
    text=${text//$control/$code}
  done
  REPLY=$text
}

__holdfast_output_begins() {
  emulate -L zsh
  local REPLY
  __holdfast_escape "${1:-$3}"
  builtin printf '\e]633;E;%s\a\e]133;C\a' "$REPLY"
  __holdfast_running=1
  # What a command exports is the person's prompt.
  if [[ $PS1 == "$__holdfast_ps1" ]]; then PS1=$__holdfast_plain_ps1; fi
}

__holdfast_prompt() {
  local exit_status=$? percent=0 REPLY
  if [[ -o promptpercent ]]; then percent=1; fi
  emulate -L zsh
  if (( __holdfast_running )); then builtin printf '\e]133;D;%s\a' $exit_status; fi
  __holdfast_running=0
  __holdfast_escape "$PWD"
  builtin printf '\e]633;P;Cwd=%s\a' "$REPLY"
  if [[ $percent == 0 || $PS1 == *'133;A'* ]]; then return 0; fi
  __holdfast_plain_ps1=$PS1
  __holdfast_ps1=$'%{\e]133;A\a%}'$PS1$'%{\e]133;B\a%}'
  PS1=$__holdfast_ps1
}

# Before the first prompt, when the person's files have been read: from then on behind their own functions.
__holdfast_begin() {
  setopt local_options no_ksh_arrays
  precmd_functions=(${precmd_functions:#__holdfast_begin} __holdfast_prompt)
  preexec_functions+=(__holdfast_output_begins)
  __holdfast_prompt
}

if [[ -n ${HOLDFAST_ZDOTDIR+set} ]]; then
  export ZDOTDIR=$HOLDFAST_ZDOTDIR
  unset HOLDFAST_ZDOTDIR
else
  unset ZDOTDIR
fi
if [[ -o interactive ]]; then
  typeset -g __holdfast_running=0 __holdfast_ps1='' __holdfast_plain_ps1=''
  typeset -ga precmd_functions preexec_functions
  precmd_functions+=(__holdfast_begin)
fi
if [[ -r ${ZDOTDIR-$HOME}/.zshenv ]]; then . ${ZDOTDIR-$HOME}/.zshenv; fi
