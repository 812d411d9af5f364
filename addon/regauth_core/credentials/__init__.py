"""Which credential docker, podman and crane would use; reads nothing itself."""
