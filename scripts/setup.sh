#!/bin/sh
# Makes the virtual environment $1 with the packages of $2 and marks that with the file $3.
set -eu
venv=$1 requirements=$2 ready=$3

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

if ! { [ -x "$venv/bin/python" ] && supported "$venv/bin/python"; }; then
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null && supported "$candidate"; then python=$candidate; break; fi
    done
    if [ -z "${python:-}" ]; then
        echo "Python 3.11, 3.12 or 3.13 is needed and was not found; name one with: make PYTHON=/path/to/python3" >&2
        exit 1
    fi
    echo "Making the virtual environment $venv with $("$python" --version) …"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        echo "Python's venv module is missing or incomplete; on Debian and Ubuntu: apt-get install python3-venv" >&2
        rm -rf "$venv"
        exit 1
    fi
fi

echo "Installing the packages of $requirements (once; the next time this is skipped) …"
log=$venv/install.log
# chalice 1.34 needs pip < 26.3
if ! { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pip<26.3' &&
       "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "Installing failed; the whole output is in $log" >&2
    exit 1
fi
touch "$ready"
