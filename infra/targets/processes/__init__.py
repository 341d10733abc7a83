"""The process target: each service a supervised process of this machine, on 127.0.0.1."""
