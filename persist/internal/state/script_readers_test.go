package state_test

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

func (s *script) leasedID() state.LeasedReaderID {
	return number[state.LeasedReaderID](byte(s.uint("id", 0)))
}

// register-leased id=N lasts=MS at-critical objects-only
func (s *script) registerLeased() string {
	command := state.RegisterLeasedReader{
		ID: s.leasedID(), LeaseMS: s.uint("lasts", 1000),
		IsAtCriticalSince: s.d.HasArg("at-critical"), HoldsObjectsOnly: s.d.HasArg("objects-only"),
		Debug: state.Debug{Host: s.env.Hostname, Purpose: "script"},
	}
	return try(s, command, nil, func(reader state.LeasedReader) string { return reader.String() })
}

// heartbeat id=N
func (s *script) heartbeat() string {
	return try(s, state.HeartbeatLeasedReader{ID: s.leasedID()}, nil, func(isRegistered bool) string {
		return fmt.Sprintf("registered: %t", isRegistered)
	})
}

// downgrade-leased id=N since=F hold=SEQNO; without a hold it is that of the version.
func (s *script) downgradeLeased() string {
	command := state.DowngradeLeasedReader{
		ID: s.leasedID(), Since: s.frontier("since"), Hold: state.SeqNo(s.uint("hold", uint64(s.current().SeqNo()))),
	}
	return try(s, command, nil, func(answer state.LeasedDowngradeAnswer) string {
		return fmt.Sprintf("registered: %t, since %v", answer.IsRegistered, answer.Since)
	})
}

// expire-leased id=N
func (s *script) expireLeased() string {
	return try(s, state.ExpireLeasedReader{ID: s.leasedID()}, nil, func(existed bool) string {
		return fmt.Sprintf("existed: %t", existed)
	})
}
