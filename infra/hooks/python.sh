# shellcheck shell=sh
# Other hooks source this file: it sets $python to a Python with the app's packages.
python=.venv/bin/python
if ! "$python" -c 'import psycopg, av' 2>/dev/null; then
  python3.13 -m venv .venv
  "$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
