package provision

func mavenLibraries() []Library { return nil }
