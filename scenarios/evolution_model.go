package scenarios

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// versions are what becomes of the schema in scenario evolution: a column is added in front,
// one at the end, and one may be null.
var versions = makeVersions()

// schemaVersion is one version of the schema. All values of a row follow from its name,
// which is in every version and says under which it was written.
type schemaVersion struct {
	number int
	schema relation.Schema
}

func makeVersions() (all []schemaVersion) {
	name := relation.Column{Name: "name", Type: relation.String}
	weight := relation.Column{Name: "weight", Type: relation.Uint64}
	note := relation.Column{Name: "note", Type: relation.String, IsNullable: true}
	size := relation.Column{Name: "size", Type: relation.Int64, IsNullable: true}
	light := relation.Column{Name: "weight", Type: relation.Uint64, IsNullable: true}
	for number, columns := range [][]relation.Column{
		{name, weight}, {note, name, weight}, {note, name, weight, size}, {note, name, light, size},
	} {
		schema, err := relation.New(columns...)
		if err != nil {
			panic(err) // the columns above are no schema
		}
		all = append(all, schemaVersion{number, schema})
	}
	return all
}

// value returns the value that a row has in a column, if it was written under a version
// that had it. Notes are longer than the bounds that stats keep of them.
func value(name, column string) relation.Value {
	hash := fnv.New32a()
	fmt.Fprint(hash, name)
	drawn := hash.Sum32() >> 8
	switch {
	case column == "name":
		return relation.StringValue(name)
	case column == "weight":
		return relation.Uint64Value(uint64(drawn % 5))
	case drawn%4 == 0:
		return relation.Null()
	case column == "note":
		return relation.StringValue(noteUpTo(drawn%3) + " and " + name)
	default:
		return relation.Int64Value(int64(drawn%9) - 4)
	}
}

// noteUpTo returns the beginning of notes, which is as long as the bounds of stats.
func noteUpTo(letter uint32) string { return strings.Repeat("n", 31) + string(rune('a'+letter)) }

// row returns the row with a name.
func (v schemaVersion) row(name string) ([]byte, error) {
	var values []relation.Value
	for _, column := range v.schema.Columns() {
		values = append(values, value(name, column.Name))
	}
	return v.schema.AppendRow(nil, values)
}

// verify returns the name of a row that was read, the version it was written under, and
// what is wrong with it, "" if nothing is.
func (v schemaVersion) verify(row []byte) (name string, written int, wrong string) {
	values, err := v.schema.DecodeRow(row, nil)
	if err != nil {
		return "", 0, err.Error()
	}
	name = values[v.schema.Index("name")].Text()
	_, err = fmt.Sscanf(name[strings.LastIndexByte(name, ' ')+1:], "v%d", &written)
	if err != nil || written >= len(versions) {
		return name, 0, "a row that nobody has written"
	}
	for i, column := range v.schema.Columns() {
		want := relation.Null()
		if versions[written].schema.Index(column.Name) >= 0 {
			want = value(name, column.Name)
		}
		if relation.Compare(values[i], want) != 0 {
			wrong = column.Name
		}
	}
	return name, written, wrong
}

// condition is a filter, and the same thing said in another way.
type condition struct {
	text   string
	filter persist.Filter
	holds  func(get func(column string) relation.Value, time uint64) bool
}

// choose returns those of the updates that the condition holds for.
func (c condition) choose(version schemaVersion, updates []persist.Update) (chosen []persist.Update) {
	for _, u := range updates {
		values, err := version.schema.DecodeRow(u.Row, nil)
		if err != nil {
			continue // found elsewhere
		}
		get := func(column string) relation.Value {
			if place := version.schema.Index(column); place >= 0 {
				return values[place]
			}
			return relation.Null()
		}
		if c.holds(get, u.Time) {
			chosen = append(chosen, u)
		}
	}
	return chosen
}

// drawCondition draws a condition for a read as of a time.
func drawCondition(rand *runtime.Rand, asOf uint64) condition {
	if rand.IntN(5) > 0 {
		return drawColumnCondition(rand)
	}
	from := asOf + 1 - min(asOf+1, rand.Uint64()%3)
	return condition{
		text: fmt.Sprintf("time >= %d", from), filter: persist.CompareTime(persist.GreaterOrEqual, from),
		holds: func(_ func(string) relation.Value, time uint64) bool { return time >= from },
	}
}

// drawColumnCondition draws a condition on columns.
func drawColumnCondition(rand *runtime.Rand) condition {
	c := drawComparison(rand)
	switch rand.IntN(4) {
	case 0:
		return condition{
			text: "not " + c.text, filter: persist.Not(c.filter),
			holds: func(get func(string) relation.Value, time uint64) bool { return !c.holds(get, time) },
		}
	case 1:
		d := drawComparison(rand)
		return condition{
			text: c.text + " or " + d.text, filter: persist.Or(c.filter, d.filter),
			holds: func(get func(string) relation.Value, time uint64) bool {
				return c.holds(get, time) || d.holds(get, time)
			},
		}
	}
	return c
}

func drawComparison(rand *runtime.Rand) condition {
	switch rand.IntN(5) {
	case 0:
		bound := int64(rand.IntN(9) - 4)
		return condition{
			text:   fmt.Sprintf("size >= %d", bound),
			filter: persist.CompareColumn("size", persist.GreaterOrEqual, relation.Int64Value(bound)),
			holds: func(get func(string) relation.Value, _ uint64) bool {
				return !get("size").IsNull() && get("size").Int64() >= bound
			},
		}
	case 1:
		wanted := uint64(rand.IntN(5))
		return condition{
			text:   fmt.Sprintf("weight = %d", wanted),
			filter: persist.CompareColumn("weight", persist.Equal, relation.Uint64Value(wanted)),
			holds: func(get func(string) relation.Value, _ uint64) bool {
				return !get("weight").IsNull() && get("weight").Uint64() == wanted
			},
		}
	case 2:
		bound := noteUpTo(uint32(rand.IntN(3)))
		return condition{
			text:   "note > " + bound,
			filter: persist.CompareColumn("note", persist.Greater, relation.StringValue(bound)),
			holds: func(get func(string) relation.Value, _ uint64) bool {
				return !get("note").IsNull() && get("note").Text() > bound
			},
		}
	case 3:
		bound := fmt.Sprintf("p%d.%d/%d", 1+rand.IntN(3), 1+rand.IntN(2), rand.IntN(30))
		return condition{
			text:   "name < " + bound,
			filter: persist.CompareColumn("name", persist.Less, relation.StringValue(bound)),
			holds:  func(get func(string) relation.Value, _ uint64) bool { return get("name").Text() < bound },
		}
	default:
		column := []string{"note", "size"}[rand.IntN(2)]
		return condition{
			text: column + " is null", filter: persist.IsNull(column),
			holds: func(get func(string) relation.Value, _ uint64) bool { return get(column).IsNull() },
		}
	}
}

// evolutionSteps counts who has tried to add which version.
type evolutionSteps struct {
	mu    sync.Mutex //sim:allow native-lock because nothing parks while it is held
	tried [8]int
}

func (e *evolutionSteps) begin(from int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tried[from]++
}

func (e *evolutionSteps) count(from int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tried[from]
}
