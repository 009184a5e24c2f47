package history

// MixSpec asks for faults drawn from weights instead of listed one by one: a
// scenario's mix. The seed turns it into planned faults like any others.
type MixSpec struct {
	Faults []MixFault `yaml:"faults" json:"faults"`
	Gap    GapSpec    `yaml:"gap" json:"gap"`
	Budget int        `yaml:"budget" json:"budget"`                         // how many faults
	Family int        `yaml:"families,omitempty" json:"families,omitempty"` // families of faults in force at a time; 0 is 1
}

// GapSpec is how far apart faults strike, on average, in what is sent: exactly
// one of Records and Acks is set.
type GapSpec struct {
	Records int64  `yaml:"records,omitempty" json:"records,omitempty"` // handed to clients, by all producers
	Acks    int64  `yaml:"acks,omitempty" json:"acks,omitempty"`       // successful batch answers
	Spread  string `yaml:"spread,omitempty" json:"spread,omitempty"`   // exponential (also when empty) or uniform
}

// The ways in which gaps spread around their mean.
const (
	// SpreadExponential: no fault knows of the one before, as failures do; gaps
	// beyond four times the mean are cut to that.
	SpreadExponential = "exponential"
	// SpreadUniform: from half the mean to one and a half.
	SpreadUniform = "uniform"
)

// MixFault is one fault of a mix. It is told everything that an entry of a
// nemesis is, save when it strikes and how often.
type MixFault struct {
	Fault  string     `yaml:"fault" json:"fault"`
	Weight int        `yaml:"weight,omitempty" json:"weight,omitempty"` // against the others'; 0 is 1
	Target TargetSpec `yaml:"target,omitempty" json:"target,omitempty"`
	Heal   HealSpec   `yaml:"heal,omitempty" json:"heal,omitempty"`
	Knobs  `yaml:",inline"`
}

// Families is how many families of faults may be in force at a time.
func (m MixSpec) Families() int { return max(m.Family, 1) }

// Specs lists the faults of a mix as entries of a nemesis would name them. Of
// their triggers they say no more than what is counted.
func (m MixSpec) Specs() []FaultSpec {
	specs := make([]FaultSpec, len(m.Faults))
	for i, f := range m.Faults {
		specs[i] = FaultSpec{Fault: f.Fault, Target: f.Target, Heal: f.Heal, Knobs: f.Knobs}
		one := &Range{Least: 1, Most: 1}
		if m.Gap.Acks > 0 {
			specs[i].When.Acks = one
		} else {
			specs[i].When.Records = one
		}
	}
	return specs
}
