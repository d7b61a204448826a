"""Programs to copy from; the tests run every one."""
