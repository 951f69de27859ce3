"""Runs checkov over a folder and prints its resources and findings as JSON.

Started with the Python of checkov's own environment: its pins conflict with others. Its command
line does not show which resources it looked at, and a file that it cannot read it leaves out.
"""

import json
import sys
from pathlib import Path

import checkov.arm.runner  # noqa: F401 - its checks are those for Bicep, once imported
from checkov.bicep.runner import Runner
from checkov.common.output.record import Record
from checkov.runner_filter import RunnerFilter


def main(folder: Path) -> None:
    runner = Runner()
    report = runner.run(str(folder), runner_filter=RunnerFilter(framework=["bicep"]))
    found = {
        "seen": {
            str(Path(path).relative_to(folder)): sorted(definition.get("resources", {}))
            for path, definition in runner.definitions.items()
        },
        "passed": len(report.passed_checks),
        "failed": [_line(record) for record in report.failed_checks],
        "skipped": [_line(record) for record in report.skipped_checks],
    }
    sys.stdout.write(json.dumps(found))


def _line(record: Record) -> dict[str, str]:
    return {
        "check": record.check_id,
        "name": record.check_name,
        "file": record.file_path.lstrip("/"),
        "reason": record.check_result.get("suppress_comment") or "",
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
