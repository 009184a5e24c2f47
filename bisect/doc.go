// Package bisect finds the version with which something starts or stops, out of
// a list of versions and a question that each of them can be asked. It knows
// neither what the versions are of nor how the question is answered, and claims
// no more than the answers show: of versions that were not asked it says
// nothing, and one change that it found need not be the only one.
package bisect
