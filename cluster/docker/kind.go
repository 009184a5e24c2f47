package docker

// Kind is what the command line and manifests call this kind of cluster.
const Kind = "docker"
