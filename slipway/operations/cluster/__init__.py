"""Operations of a stack whose services run on Kubernetes."""
