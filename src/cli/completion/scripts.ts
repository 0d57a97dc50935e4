export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/**
 * Each script sends the words up to the cursor to `baton complete quoted`, one per line. The answer has one line for
 * each candidate: a value, a tab, a description. The script quotes the chosen value. Words are passed through stdin,
 * because every user can see the arguments of a process. If there is no answer, the shell completes file names.
 */
export const completionScripts: Readonly<Record<Shell, string>> = {
  // Also runs in bash 3.2. Bash itself splits words at = and :, and replaces only the part after the last of them.
  bash: `# baton: source this file in ~/.bashrc, or: source <(baton completion bash)
# Splits the line before the cursor into words without their quotes.
_baton_words() {
  local line=\${COMP_LINE:0:COMP_POINT} word='' quote='' open='' char at
  words=()
  for ((at = 0; at < \${#line}; at += 1)); do
    char=\${line:at:1}
    if [[ -z $quote && $char == [[:space:]] ]]; then
      [[ -n $open ]] && words+=("$word")
      word='' open=''
      continue
    fi
    open=1
    if [[ $char == "$quote" ]]; then quote=''
    elif [[ -z $quote && $char == [\\'\\"] ]]; then quote=$char
    elif [[ $char == \\\\ && $quote != \\' ]]; then
      at=$((at + 1))
      word+=\${line:at:1}
    else word+=$char
    fi
  done
  words+=("$word")
  open_quote=$quote
}
_baton() {
  local current kept='' value rest open_quote=''
  local -a words
  _baton_words
  current=\${words[\${#words[@]}-1]}
  [[ -z $open_quote && $current == *[=:@]* ]] && kept=\${current%"\${current##*[=:@]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    value=\${value#"$kept"}
    if [[ -n $open_quote ]]; then
      # Within quotes these characters would need another form.
      [[ $value == *[\\'\\"\\$\\\`\\\\!]* ]] && continue
    elif [[ $value == *[!a-zA-Z0-9_./:@%+=,-]* ]]; then printf -v value %q "$value"
    fi
    COMPREPLY+=("$value")
  done < <(printf '%s\\n' "\${words[@]:1}" | "\${words[0]/#~/$HOME}" complete quoted 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -gt 0 && \${COMPREPLY[0]} == *[/=] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _baton baton
`,
  zsh: `#compdef baton
# baton: save this file as _baton in a directory of $fpath, or: source <(baton completion zsh)
_baton() {
  local -a lines values shown open typed
  local line value
  typed=("\${(@Q)words[2,CURRENT]}")
  # A quote that is still open is not a part of the word.
  typed[-1]=\${(Q)words[CURRENT]#$QIPREFIX}
  lines=("\${(@f)$(printf '%s\\n' "\${(@)typed}" | \${~words[1]} complete quoted 2>/dev/null)}")
  for line in $lines; do
    value=\${line%%$'\\t'*}
    if [[ $value == *[/=] ]]; then open+=("$value")
    else
      values+=("$value")
      shown+=("\${line/$'\\t'/  }")
    fi
  done
  if (( $#values + $#open == 0 )); then
    _files
    return
  fi
  compadd -l -d shown -a values
  compadd -S '' -a open
}
if [[ $funcstack[1] == _baton ]]; then _baton "$@"; else compdef _baton baton; fi
`,
  fish: `# baton: save this file as ~/.config/fish/completions/baton.fish, or: baton completion fish | source
function __baton_complete
    set -l words (commandline -opc)
    set -l current (string unescape -- (commandline -ct); or string replace -r '^["\\']' '' -- (commandline -ct))
    set -l answer (printf '%s\\n' $words[2..-1] "$current" | $words[1] complete quoted 2>/dev/null)
    if test (count $answer) -gt 0
        printf '%s\\n' $answer
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c baton -f -a '(__baton_complete)'
`,
}
