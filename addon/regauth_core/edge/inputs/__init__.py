"""Files with recorded traffic: traces, flow files and HAR files."""
