package sweep

// Code is the result of sweeps as an exit code.
type Code int

// The exit codes of a program that sweeps.
const (
	CodeOK             Code = 0 // everything asked for ran and held
	CodeViolation      Code = 1 // something was found wrong
	CodeUsage          Code = 2 // a bad flag, an unknown scenario
	CodeInconclusive   Code = 3 // a limit was reached, an obligation not met, or nothing ran
	CodeNondeterminism Code = 4 // a seed did not repeat, which outranks 1
	CodeHarness        Code = 5 // the harness itself failed
	CodeInterrupted    Code = 130
)

// ObligationsFrom is the number of seeds from which on a sweep has to meet its
// obligations: fewer can not be expected to.
const ObligationsFrom = 100

// OwesObligations reports whether the sweep has to meet its obligations: it is the whole,
// and large enough.
func (r *Report) OwesObligations() bool { return !r.Shard.IsPart() && r.Done >= ObligationsFrom }

// Code returns the exit code of one sweep.
func (r *Report) Code() Code {
	switch {
	case len(r.Divergences) > 0:
		return CodeNondeterminism
	case len(r.Failures) > 0, len(r.Races) > 0:
		return CodeViolation
	case r.Interrupted:
		return CodeInterrupted
	case r.Inconclusive > 0, r.Done == 0, r.MemoryExceeded > 0, r.OwesObligations() && len(r.Unmet()) > 0:
		return CodeInconclusive
	}
	return CodeOK
}

// Worst returns the code that counts when there are several.
func Worst(codes ...Code) Code {
	for _, worst := range []Code{
		CodeHarness, CodeNondeterminism, CodeViolation, CodeInterrupted, CodeInconclusive, CodeUsage,
	} {
		for _, c := range codes {
			if c == worst {
				return c
			}
		}
	}
	return CodeOK
}
