"""The drift report: where storage and catalogue differ, and the repair of what it lists."""
