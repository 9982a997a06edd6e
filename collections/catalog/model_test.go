package catalog_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// model is a catalog as one would write it down: one list of rows, searched from
// the front.
type model struct {
	rows        []row
	unfinalized []persist.ShardID
	txnsShard   []persist.ShardID // none or one
}

type row struct {
	id          catalog.GlobalID
	shard       persist.ShardID
	description []catalog.Description // none or one
}

func (m model) clone() model {
	m.rows, m.unfinalized = slices.Clone(m.rows), slices.Clone(m.unfinalized)
	m.txnsShard = slices.Clone(m.txnsShard)
	return m
}

func (m model) find(id catalog.GlobalID) int {
	return slices.IndexFunc(m.rows, func(r row) bool { return r.id == id })
}

// state returns what Inspect has to return, but for epochs and commits.
func (m model) state() (s catalog.State) {
	rows := slices.Clone(m.rows)
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.id.Kind, b.id.Kind), cmp.Compare(a.id.Number, b.id.Number))
	})
	for _, r := range rows {
		s.Shards = append(s.Shards, catalog.Mapping{ID: r.id, Shard: r.shard})
		s.Descriptions = append(s.Descriptions, r.description...)
	}
	s.Unfinalized = slices.Clone(m.unfinalized)
	slices.SortFunc(s.Unfinalized, func(a, b persist.ShardID) int { return slices.Compare(a[:], b[:]) })
	for _, shard := range m.txnsShard {
		s.TxnsShard, s.HasTxnsShard = shard, true
	}
	return s
}

// step is a call of a draft that changes something. On the model it returns the text
// of the error.
type step struct {
	name    string
	onDraft func(d catalog.Draft) error
	onModel func(m *model) string
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func drawStep(t *rapid.T) step {
	ids := rapid.SliceOfN(rapid.Map(rapid.Uint64Range(1, 4), user), 0, 3).Draw(t, "ids")
	shards := rapid.SliceOfN(rapid.Map(rapid.ByteRange(1, 4), shard), 0, 3).Draw(t, "shards")
	return rapid.SampledFrom([]func([]catalog.GlobalID, []persist.ShardID) step{
		insertStep, insertStep, deleteStep, describeStep, unfinalizeStep, finalizedStep, txnsStep,
	}).Draw(t, "step")(ids, shards)
}

func insertStep(ids []catalog.GlobalID, shards []persist.ShardID) step {
	given := make(mappings)
	for i, id := range ids {
		given[id] = shard(9)
		if i < len(shards) {
			given[id] = shards[i]
		}
	}
	return step{
		fmt.Sprint("insert ", given),
		func(d catalog.Draft) error { return d.InsertShards(given) },
		func(m *model) string {
			for n := range uint64(5) { // in the order of the ids
				if _, isGiven := given[user(n)]; isGiven && m.find(user(n)) >= 0 {
					return fmt.Sprintf("collection u%d has a shard already", n)
				}
			}
			for id, shard := range given {
				m.rows = append(m.rows, row{id: id, shard: shard})
			}
			return ""
		},
	}
}

func deleteStep(ids []catalog.GlobalID, _ []persist.ShardID) step {
	var removed mappings
	return step{
		fmt.Sprint("delete ", ids),
		func(d catalog.Draft) (err error) {
			removed, err = d.DeleteShards(ids...)
			return err
		},
		func(m *model) string { // comes after the draft
			want := make(mappings)
			for _, id := range ids {
				if i := m.find(id); i >= 0 {
					want[id] = m.rows[i].shard
					m.rows = slices.Delete(m.rows, i, i+1)
				}
			}
			return gocmp.Diff(want, removed)
		},
	}
}

func describeStep(ids []catalog.GlobalID, shards []persist.ShardID) step {
	d := catalog.Description{ID: user(1), Since: frontier.At(uint64(len(shards)))}
	if len(ids) > 0 {
		d.ID, d.DependsOn = ids[0], ids[1:]
	}
	return step{
		fmt.Sprint("describe ", d),
		func(draft catalog.Draft) error { return draft.Describe(d) },
		func(m *model) string {
			if slices.Contains(d.DependsOn, d.ID) {
				return fmt.Sprintf("invalid description: %v depends on itself", d.ID)
			}
			i := m.find(d.ID)
			if i < 0 {
				return fmt.Sprintf("collection %v has no shard", d.ID)
			}
			m.rows[i].description = []catalog.Description{d}
			return ""
		},
	}
}

func unfinalizeStep(_ []catalog.GlobalID, shards []persist.ShardID) step {
	return step{
		fmt.Sprint("unfinalise ", shards),
		func(d catalog.Draft) error { return d.InsertUnfinalized(shards...) },
		func(m *model) string {
			for _, s := range shards {
				if !slices.Contains(m.unfinalized, s) {
					m.unfinalized = append(m.unfinalized, s)
				}
			}
			return ""
		},
	}
}

func finalizedStep(_ []catalog.GlobalID, shards []persist.ShardID) step {
	return step{
		fmt.Sprint("mark finalised ", shards),
		func(d catalog.Draft) error { return d.MarkFinalized(shards...) },
		func(m *model) string {
			m.unfinalized = slices.DeleteFunc(m.unfinalized, func(s persist.ShardID) bool {
				return slices.Contains(shards, s)
			})
			return ""
		},
	}
}

func txnsStep(_ []catalog.GlobalID, shards []persist.ShardID) step {
	shard := append(shards, shard(7))[0]
	return step{
		fmt.Sprint("set the txns shard ", shard),
		func(d catalog.Draft) error { return d.SetTxnsShard(shard) },
		func(m *model) string {
			if len(m.txnsShard) > 0 {
				return fmt.Sprintf("the shard of transactions is %v and stays it", m.txnsShard[0])
			}
			m.txnsShard = append(m.txnsShard, shard)
			return ""
		},
	}
}

var errStop = errors.New("enough")

// bench holds a catalog beside its model.
type bench struct {
	memory  *catalog.Memory
	view    *catalog.View
	model   model
	epoch   int64
	commits uint64
}

// update makes a change of several steps on both, sometimes while another one is
// made, sometimes to no end.
func (b *bench) update(t *rapid.T, epoch int64, depth int) {
	steps := rapid.SliceOfN(rapid.Custom(drawStep), 0, 5).Draw(t, "steps")
	fails := rapid.IntRange(0, 5).Draw(t, "fails") == 5
	isOvertaken := depth == 0 && rapid.Bool().Draw(t, "is overtaken")
	isFenced := depth == 0 && rapid.IntRange(0, 9).Draw(t, "is fenced") == 9
	var before, draft model
	hasRun := false
	err := b.view.Update(t.Context(), epoch, func(d catalog.Draft) error {
		before, draft, hasRun = b.model.clone(), b.model.clone(), true
		for _, s := range steps {
			got := text(s.onDraft(d))
			if want := s.onModel(&draft); got != want {
				t.Fatalf("%s: %q, want %q", s.name, got, want)
			}
		}
		b.compareDraft(t, d, draft)
		if isOvertaken {
			isOvertaken = false
			b.update(t, epoch, depth+1)
		}
		if isFenced {
			isFenced = false
			b.nextEpoch(t)
		}
		if fails {
			return errStop
		}
		return nil
	})
	want := ""
	switch {
	case epoch < 1 || epoch > b.epoch:
		want = fmt.Sprintf("epoch %d never began, the newest is %d", epoch, b.epoch)
	case fails && hasRun:
		want = errStop.Error()
	case epoch < b.epoch:
		want = fmt.Sprintf("epoch %d is fenced by epoch %d", epoch, b.epoch)
	case !gocmp.Equal(before.state(), draft.state(), cmpopts.EquateEmpty()):
		b.model = draft
		b.commits++
	}
	if text(err) != want {
		t.Fatalf("update under epoch %d: %q, want %q", epoch, text(err), want)
	}
}

func (b *bench) compareDraft(t *rapid.T, d catalog.Draft, want model) {
	var got catalog.State
	shards, err := d.Shards()
	for _, m := range want.state().Shards { // those that are missing have the zero shard
		got.Shards = append(got.Shards, catalog.Mapping{ID: m.ID, Shard: shards[m.ID]})
	}
	var errs [3]error
	got.Descriptions, errs[0] = d.Descriptions()
	got.Unfinalized, errs[1] = d.Unfinalized()
	got.TxnsShard, got.HasTxnsShard, errs[2] = d.TxnsShard()
	if err := errors.Join(err, errors.Join(errs[:]...)); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want.state(), got, cmpopts.EquateEmpty()); diff != "" || len(shards) != len(got.Shards) {
		t.Fatalf("draft, %d mappings (-want +got):\n%s", len(shards), diff)
	}
}

func (b *bench) nextEpoch(t *rapid.T) {
	epoch, err := b.view.NextEpoch(t.Context())
	b.epoch++
	if err != nil || epoch != b.epoch {
		t.Fatalf("epoch %d, %v; want %d", epoch, err, b.epoch)
	}
}

// TestMemoryIsItsModel protects all of Memory that one task can see, against a model
// that searches lists: answers, errors, conflicts, fencing, commits.
func TestMemoryIsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &bench{memory: catalog.NewMemory("test")}
		b.view = b.memory.View(runtime.New(runtime.Options{}))
		t.Repeat(map[string]func(*rapid.T){
			"next epoch": b.nextEpoch,
			"update":     func(t *rapid.T) { b.update(t, b.epoch, 0) },
			"update under any epoch": func(t *rapid.T) {
				b.update(t, rapid.Int64Range(-1, b.epoch+1).Draw(t, "epoch"), 0)
			},
			"": func(t *rapid.T) {
				want := b.model.state()
				want.Epoch, want.Commits = b.epoch, b.commits
				if diff := gocmp.Diff(want, b.memory.Inspect(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			},
		})
	})
}
