package bisect

import (
	"context"
	"slices"
)

// Turns is Search, and where both ends agree, goes on with either side of a
// version between them that may show otherwise, known: what started and stopped
// again shows at neither end. The results are that of all versions, and then, if
// there was more to look for, those of the versions up to known and from it on;
// the last is missing when known shows what the ends do. A known that is not
// among the versions changes nothing. For the rest see Search.
func Turns(ctx context.Context, versions []string, known string, has func(ctx context.Context, version string) (Answer, error), o Options) ([]Result, error) {
	whole, err := Search(ctx, versions, has, o)
	results := []Result{whole}
	at := slices.Index(versions, known)
	if err != nil || whole.Outcome != Same || at <= slices.Index(versions, whole.Oldest) || at >= slices.Index(versions, whole.Newest) {
		return results, err
	}
	for _, side := range [][]string{versions[:at+1], versions[at:]} {
		r, err := searchOn(ctx, side, results, has, o)
		results = append(results, r)
		if err != nil || r.Outcome == Same || r.Outcome == Unclear {
			return results, err
		}
	}
	return results, nil
}

// searchOn is Search with what earlier results say of a version in place of its
// first answer. To confirm, each is asked as ever.
func searchOn(ctx context.Context, versions []string, earlier []Result, has func(ctx context.Context, version string) (Answer, error), o Options) (Result, error) {
	answers, old := make(map[string]Answer), make(map[string]bool)
	for _, r := range earlier {
		for _, t := range r.Tried {
			if !t.Again {
				answers[t.Version], old[t.Version] = t.Answer, true
			}
		}
	}
	told := o.Told
	if told != nil {
		o.Told = func(t Tried) {
			if t.Again || !old[t.Version] {
				told(t)
			}
		}
	}
	return Search(ctx, versions, func(ctx context.Context, version string) (Answer, error) {
		if a, ok := answers[version]; ok {
			delete(answers, version)
			return a, nil
		}
		return has(ctx, version)
	}, o)
}
