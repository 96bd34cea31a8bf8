"""Starting and stopping a sandbox, and what it needs of this machine."""
