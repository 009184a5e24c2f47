package workloads

// Transactional says whether a workload sends its records in transactions.
func Transactional(string) bool { return false }
