# shellcheck shell=sh
# For the other hooks, which read this: a Python with what the app needs, as $python.
python=.venv/bin/python
if ! "$python" -c 'import psycopg, av' 2>/dev/null; then
  python3.13 -m venv .venv
  "$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
