package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/network"
)

// member is one process of the cluster: the loop that etcd's documentation asks for.
type member struct {
	*cluster
	*network.Port[*raftpb.Message]
	id  uint64
	rt  *runtime.Runtime
	raw *raft.RawNode
}

const heartbeat, patience = 50 * time.Millisecond, 200 * time.Millisecond // of leaders, of followers

// boot starts a member from its disk, and handles what happens, one thing after the other.
// The library draws its election timeouts from crypto/rand, which no seed decides; so
// followers and candidates are not ticked, and campaign when our own timer says so.
func (c *cluster) boot(ctx context.Context, rt *runtime.Runtime, id uint64) error {
	raw, err := raft.NewRawNode(&raft.Config{
		ID: id, Storage: c.disks[id], ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 16,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	if err != nil {
		return err
	}
	m := &member{cluster: c, id: id, rt: rt, raw: raw, Port: c.network.Listen(rt)}
	rand := rt.Rand("patience")
	draw := func() time.Duration { return runtime.Between(rand, patience, patience+heartbeat) } // close, for split votes
	beat, election := rt.NewTicker(heartbeat), rt.NewTimer(draw())
	for {
		r, err := runtime.Select3(ctx, m.Inbox().RecvArm(), beat.C.RecvArm(), election.C.RecvArm())
		if err != nil {
			return err
		}
		isLeader := raw.BasicStatus().RaftState == raft.StateLeader
		switch {
		case r.Index == 0:
			if message := r.V0.Body; raw.Step(message) == nil && raw.BasicStatus().Lead == message.GetFrom() {
				election.Reset(draw())
			}
		case r.Index == 1 && isLeader:
			raw.Tick()
			_ = raw.Propose(fmt.Appendf(nil, "%d at %v", id, rt.Now())) // refused while it steps down, say
		case r.Index == 2:
			if !isLeader {
				_ = raw.Campaign()
			}
			election.Reset(draw())
		}
		if err := m.handleReady(); err != nil {
			return err
		}
	}
}

// handleReady writes, sends and applies what the library asks for, in this order.
func (m *member) handleReady() error {
	for m.raw.HasReady() {
		ready := m.raw.Ready()
		if ready.SoftState != nil && ready.RaftState == raft.StateLeader {
			m.checkLeader(m.rt, m.raw.BasicStatus().GetTerm(), m.id)
		}
		m.rt.Yield()
		if err := m.persist(ready); err != nil {
			return err
		}
		m.rt.Yield()
		for _, message := range ready.Messages {
			if err := m.Send(names[message.GetTo()-1], message); err != nil {
				return err
			}
			if message.GetType() == raftpb.MsgVoteResp && !message.GetReject() {
				m.rt.Reachable("vote-of-" + names[m.id-1]) // a good moment for a crash
			}
		}
		for _, entry := range ready.CommittedEntries {
			m.checkApplied(m.rt, m.id, entry)
		}
		m.raw.Advance(ready)
	}
	return nil
}

// persist writes to the disk, which survives crashes.
func (m *member) persist(ready raft.Ready) error {
	if state := ready.HardState; state != nil {
		state = proto.CloneOf(state)
		if m.forgetsVotes {
			state.Vote = nil // the planted bug
		}
		_ = m.disks[m.id].SetHardState(state) // it never fails
	}
	return m.disks[m.id].Append(ready.Entries)
}

type codec struct{} // of the library's own messages

func (codec) Encode(m *raftpb.Message) ([]byte, error) { return proto.Marshal(m) }

func (codec) Decode(data []byte) (*raftpb.Message, error) {
	m := &raftpb.Message{}
	return m, proto.Unmarshal(data, m)
}
