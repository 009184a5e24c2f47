package provision

func pypiLibraries() []Library { return nil }
