"""The learner's own shell, ready for a lab: its arguments and its environment. Pure, but for the files it needs.

Used by the tutor's terminal, by ``k8s-tutor env --shell`` and by tests. The user's start-up files are read first and
never written; what the lab needs comes after them, from private files in ``state_dir()/shell``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor import atomic, paths
from k8s_tutor.clusters.provider import Cluster

# A terminal of our own has its own size and is no pane of the tmux or screen that the tutor itself runs in.
_FOREIGN = ("LINES", "COLUMNS", "TMUX", "TMUX_PANE", "STY", "WINDOW", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TERMCAP")

# The part that bash and zsh read alike, after the user's own files (which may have set PATH and KUBECONFIG).
_COMMON = r"""
export KUBECONFIG=$K8S_TUTOR_KUBECONFIG
case ${K8S_TUTOR_BIN:+$PATH} in
  ''|"$K8S_TUTOR_BIN":*) ;;
  *) export PATH=$K8S_TUTOR_BIN:$PATH ;;
esac
alias k=kubectl
__k8s_tutor_where() {
  case $PWD/ in
    "$K8S_TUTOR_WORKSPACE"/*) __k8s_tutor_at="~/$K8S_TUTOR_LABEL${PWD#"$K8S_TUTOR_WORKSPACE"}" ;;
    "$HOME"/*) __k8s_tutor_at="~${PWD#"$HOME"}" ;;
    *) __k8s_tutor_at=$PWD ;;
  esac
  __k8s_tutor_at=${__k8s_tutor_at//[[:cntrl:]]/?}
}
# kubectl's completion takes a tenth of a second to make: made at the first Tab, kept for this kubectl.
__k8s_tutor_load() {
  local file=${K8S_TUTOR_COMPLETION-}
  [[ -n $file ]] || return 1
  if [[ ! -s $file ]]; then
    if command kubectl completion "$1" >"$file.$$" 2>/dev/null; then
      command mv -f -- "$file.$$" "$file"
    else
      command rm -f -- "$file.$$"
      return 1
    fi
  fi
  source "$file"
}
"""

_BASH = r"""# Written by k8s-tutor at each start: changes here are lost. Your own ~/.bashrc is read first.
[ -r /etc/bash.bashrc ] && . /etc/bash.bashrc
[ -r ~/.bashrc ] && . ~/.bashrc
@COMMON@
__k8s_tutor_prompt() {
  local status=$?
  __k8s_tutor_where
  # A variable's value is not expanded again: a folder named $(...) stays a name.
  PS1='\[\e[36m\]${__k8s_tutor_at}\[\e[0m\] $ '
  return $status
}
if [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]]; then
  PROMPT_COMMAND+=(__k8s_tutor_prompt)
else
  PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__k8s_tutor_prompt
fi
if ! declare -F _init_completion >/dev/null && ! declare -F _get_comp_words_by_ref >/dev/null; then
  if [ -r /usr/share/bash-completion/bash_completion ]; then
    . /usr/share/bash-completion/bash_completion
  else
    # What kubectl's completion takes from the bash-completion package, as far as it needs it.
    COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}
    _get_comp_words_by_ref() {
      words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
      prev=${COMP_WORDS[COMP_CWORD > 0 ? COMP_CWORD - 1 : 0]}
    }
    _filedir() { :; }
  fi
fi
__k8s_tutor_complete() {
  complete -r kubectl k 2>/dev/null
  __k8s_tutor_load bash || return 1
  complete -o default -F __start_kubectl k
  return 124
}
if declare -F __start_kubectl >/dev/null; then
  complete -o default -F __start_kubectl k
else
  complete -o default -F __k8s_tutor_complete kubectl k
fi
"""

_ZSHENV = r"""# Written by k8s-tutor at each start: changes here are lost.
__k8s_tutor_dot=$ZDOTDIR
ZDOTDIR=${K8S_TUTOR_ZDOTDIR:-$HOME}
[[ -r $ZDOTDIR/.zshenv ]] && source $ZDOTDIR/.zshenv
ZDOTDIR=$__k8s_tutor_dot
"""

_ZSHRC = r"""# Written by k8s-tutor at each start: changes here are lost. Your own .zshrc is read first.
ZDOTDIR=${K8S_TUTOR_ZDOTDIR:-$HOME}
[[ ${HISTFILE-} == $__k8s_tutor_dot/* ]] && HISTFILE=$ZDOTDIR/${HISTFILE:t}
[[ -r $ZDOTDIR/.zshrc ]] && source $ZDOTDIR/.zshrc
@COMMON@
__k8s_tutor_prompt() {
  __k8s_tutor_where
  psvar[9]=$__k8s_tutor_at
  PROMPT='%F{cyan}%9v%f $ '
}
precmd_functions+=(__k8s_tutor_prompt)
if ! whence compdef >/dev/null; then
  autoload -Uz compinit && compinit -i -d $__k8s_tutor_dot/zcompdump
fi
__k8s_tutor_complete() {
  __k8s_tutor_load zsh || { _files; return }
  compdef _kubectl kubectl k
  _kubectl "$@"
}
whence _kubectl >/dev/null || compdef __k8s_tutor_complete kubectl k
"""

_FISH = r"""# Written by k8s-tutor at each start: changes here are lost. Your own config.fish is read first.
set -gx KUBECONFIG $K8S_TUTOR_KUBECONFIG
if test -n "$K8S_TUTOR_BIN"; and test "$PATH[1]" != "$K8S_TUTOR_BIN"
    set -gx PATH $K8S_TUTOR_BIN $PATH
end
function k --wraps kubectl --description kubectl
    kubectl $argv
end
set -gp fish_complete_path (status dirname)/completions
function fish_greeting
end
function fish_prompt
    set -l at $PWD/
    if string match -q -- "$K8S_TUTOR_WORKSPACE/*" $at
        set at "~/$K8S_TUTOR_LABEL"(string sub -s (math (string length -- $K8S_TUTOR_WORKSPACE) + 1) -- $PWD)
    else if string match -q -- "$HOME/*" $at
        set at "~"(string sub -s (math (string length -- $HOME) + 1) -- $PWD)
    else
        set at $PWD
    end
    set -l shown (string replace -ra '[[:cntrl:]]' '?' -- $at | string join '?')
    set_color cyan
    echo -n -- $shown
    set_color normal
    echo -n ' $ '
end
"""

# Read by fish at the first Tab after kubectl; another kubectl, another file.
_FISH_COMPLETION = r"""# Written by k8s-tutor at each start: changes here are lost.
set -l file $K8S_TUTOR_COMPLETION
if test -n "$file"
    if not test -s $file
        if command kubectl completion fish >$file.$fish_pid 2>/dev/null
            command mv -f -- $file.$fish_pid $file
        else
            command rm -f -- $file.$fish_pid
        end
    end
    test -s $file; and source $file
end
"""

_SHELLS = ("bash", "zsh", "fish")
_EDITORS = ("vi", "vim", "nano", "micro", "emacs", "mcedit")


@dataclass(frozen=True)
class Shell:
    """A shell that can be started: argument list, whole environment, folder."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path


def learner_shell(
    kubeconfig: Path, bin_dir: Path | None, workspace: Path, netns: Path | None, label: str
) -> tuple[list[str], dict[str, str]]:
    """The argument list and the whole environment of the learner's interactive shell.

    The user's ``$SHELL`` if it is bash, zsh or fish, else bash, else ``sh``; with the alias ``k``, kubectl's
    completion, and ``~/<label> $`` as its prompt in the workspace. Its history is the user's own.

    Args:
        kubeconfig: The cluster's private kubeconfig.
        bin_dir: Folder with the cluster's own kubectl, put first in PATH; None leaves PATH as it is.
        workspace: The lab's folder, where the shell should be started.
        netns: The node's network (``/proc/<pid>/ns/net``), entered so that pod and Service addresses answer. Only
            root can; for others, or where it is gone, the shell stays in the host's network.
        label: The lab's short name, for the prompt.

    Raises OSError if the shell's private files cannot be written.
    """
    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    program = _program()
    kind = Path(program).name
    if bin_dir is not None:
        env["PATH"] = os.pathsep.join(filter(None, (str(bin_dir), env.get("PATH", os.defpath))))
    env |= {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "KUBECONFIG": str(kubeconfig),
        "K8S_TUTOR_KUBECONFIG": str(kubeconfig),
        "K8S_TUTOR_BIN": str(bin_dir or ""),
        "K8S_TUTOR_WORKSPACE": str(workspace),
        "K8S_TUTOR_LABEL": re.sub(r"[^A-Za-z0-9._-]", "", label)[:40],
        "K8S_TUTOR_COMPLETION": _completion(kind, env.get("PATH", os.defpath)),
    }
    editor = _editor(env)
    if editor:
        env["KUBE_EDITOR"] = editor
    home = paths.state_dir() / "shell"
    if kind == "bash":
        _keep(home / "bashrc", _BASH.replace("@COMMON@", _COMMON))
        argv = [program, "--rcfile", str(home / "bashrc"), "-i"]
    elif kind == "zsh":
        # A shell inside this shell must find the user's own folder, not ours.
        env["K8S_TUTOR_ZDOTDIR"] = env.get("K8S_TUTOR_ZDOTDIR") or env.get("ZDOTDIR", "")
        _keep(home / "zsh" / ".zshenv", _ZSHENV)
        _keep(home / "zsh" / ".zshrc", _ZSHRC.replace("@COMMON@", _COMMON))
        env["ZDOTDIR"] = str(home / "zsh")
        argv = [program, "-i"]
    elif kind == "fish":
        _keep(home / "fish" / "tutor.fish", _FISH)
        _keep(home / "fish" / "completions" / "kubectl.fish", _FISH_COMPLETION)
        argv = [program, "-i", "-C", 'source "$K8S_TUTOR_FISH"']
        env["K8S_TUTOR_FISH"] = str(home / "fish" / "tutor.fish")
    else:
        env["PS1"] = f"~/{env['K8S_TUTOR_LABEL']} $ "
        argv = [program, "-i"]
    entering = shutil.which("nsenter")
    if netns is not None and entering and os.geteuid() == 0 and netns.exists():
        argv = [entering, f"--net={netns}", "--", *argv]
    return argv, env


def cluster_shell(cluster: Cluster, workspace: Path, label: str = "") -> Shell:
    """The learner's shell on a cluster, started in ``workspace``; ``label`` defaults to that folder's name."""
    argv, env = learner_shell(cluster.kubeconfig, cluster.bin_dir, workspace, cluster.netns, label or workspace.name)
    return Shell(tuple(argv), env, workspace)


def _program() -> str:
    own = os.environ.get("SHELL", "")
    if Path(own).name in _SHELLS and os.access(own, os.X_OK):
        return own
    return shutil.which("bash") or "/bin/sh"


def _editor(env: dict[str, str]) -> str:
    """What ``kubectl edit`` is told to use where its own choice would fail: nobody chose, and there is no ``vi``."""
    if env.get("KUBE_EDITOR") or env.get("EDITOR"):
        return ""
    search = env.get("PATH", os.defpath)
    found = next((editor for editor in _EDITORS if shutil.which(editor, path=search)), "")
    return "" if found == "vi" else found


def _completion(kind: str, search: str) -> str:
    """The file for kubectl's completion: another kubectl, another file. Empty without kubectl."""
    kubectl = shutil.which("kubectl", path=search)
    if kubectl is None:
        return ""
    status = os.stat(kubectl)
    named = f"{os.path.realpath(kubectl)}\0{status.st_size}\0{status.st_mtime_ns}"
    folder = paths.state_dir() / "shell" / "completion"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(folder / f"{kind}-{hashlib.sha256(named.encode()).hexdigest()[:12]}")


def _keep(file: Path, text: str) -> None:
    """Have ``file`` hold ``text``; written only if it does not."""
    try:
        if file.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    atomic.write_text(file, text)
