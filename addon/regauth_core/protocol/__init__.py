"""The syntax of registries and of HTTP: text in, raw values out; nothing here raises on wire text."""
