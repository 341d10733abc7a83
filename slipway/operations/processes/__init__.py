"""Operations of a stack whose services are processes of this machine."""
