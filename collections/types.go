package collections

import (
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// GlobalID names a collection. Ids are never to be used again, also not after a
// drop.
type GlobalID = core.GlobalID

// UserID returns the id that prints as "u" and the number.
func UserID(number uint64) GlobalID { return core.UserID(number) }

// SystemID returns the id that prints as "s" and the number.
func SystemID(number uint64) GlobalID { return core.SystemID(number) }

// ParseGlobalID returns the id that [GlobalID.String] prints as text. Any other
// text gives an error that is [ErrMalformedID].
func ParseGlobalID(text string) (GlobalID, error) { return core.ParseGlobalID(text) }

// Description says what a collection is.
type Description = catalog.Description

// Frontiers are where a collection is: its upper, from where on it wants to be
// readable itself (Implied), and from where on it is readable (Read).
type Frontiers = core.Frontiers

// ReadPolicy says from which frontier on a collection wants to stay readable, given
// its upper. The zero value keeps everything.
type ReadPolicy = core.ReadPolicy

// PolicyChange gives a collection another read policy.
type PolicyChange = core.PolicyChange

// Withheld says that a policy asks for what was given up before, and has no effect
// until it asks for more.
type Withheld = core.Withheld

// BrokenPromise says that a collection was opened whose dependencies had not been
// kept for it: some of their history, which it still needs, is gone.
type BrokenPromise = core.BrokenPromise

// LagBy returns the policy that keeps at least lag before the upper, and less than
// lag + granularity. A granularity of 0 gives an error that is [ErrInvalidPolicy].
func LagBy(lag, granularity uint64) (ReadPolicy, error) { return core.LagBy(lag, granularity) }

// StepBack returns the policy that keeps the last complete time.
func StepBack() ReadPolicy { return core.StepBack() }

// ValidFrom returns the policy that keeps what is at or beyond since, whatever the
// upper is. ValidFrom {} gives the collection up for good.
func ValidFrom(since frontier.Antichain) ReadPolicy { return core.ValidFrom(since) }

// Multiple returns the policy that keeps what any of the given ones keeps. Without
// any, the error is [ErrInvalidPolicy].
func Multiple(policies ...ReadPolicy) (ReadPolicy, error) { return core.Multiple(policies...) }
