"""The command line, the toolchain and the doctor."""
