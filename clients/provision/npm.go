package provision

func npmLibraries() []Library { return nil }
