"""The only places that touch a vendor: host processes, container engines, and a fake for tests and demos."""
