"""The addon: mitmproxy's hooks and options, the live recording, and what regauth does about challenges."""
