package sweep_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

const catalogue = `# what the bank asserts
always	balanced	bank.audit	bank/audit.go	transfer storm
always-or-unreachable	no-debt	bank.refuse	bank/refuse.go	transfer
sometimes	refused	bank.transfer	bank/transfer.go	transfer
unreachable	lost	bank.transfer	bank/transfer.go	transfer
always	planted	bank.canary	bank/canary.go	canary
always	large	bank.large	bank/large.go	storm storm-10000
`

// bank is the list of scenarios of the catalogue, with their assertions.
func bank(t *testing.T) []sim.Scenario {
	t.Helper()
	c, err := sweep.ParseCatalogue(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return c.Attach([]sim.Scenario{
		{Name: "transfer"}, {Name: "storm"}, {Name: "storm-10000", Named: true}, {Name: "canary", Named: true},
	})
}

// swept is the report of a sweep that has evaluated some promises.
func swept(name string, done uint64, evaluated ...runtime.Assertion) sweep.Report {
	for i := range evaluated {
		evaluated[i].Evaluated = 1
	}
	return sweep.Report{Scenario: name, Done: done, Assertions: evaluated}
}

// TestCatalogueIsText protects the file that is generated: what is read is written again.
func TestCatalogueIsText(t *testing.T) {
	c, err := sweep.ParseCatalogue(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sweep.ParseCatalogue(c.String())
	if diff := cmp.Diff(c, again); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"always\tx\n", "never\ta\tb\tc\td\n"} {
		if _, err := sweep.ParseCatalogue(bad); !errors.Is(err, sweep.ErrCatalogue) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

// TestWhatNobodyEvaluatesIsNamed protects against assertions that are green because no
// run comes to them.
func TestWhatNobodyEvaluatesIsNamed(t *testing.T) {
	balanced := runtime.Assertion{Kind: runtime.KindAlways, ID: "balanced"}
	otherKind := runtime.Assertion{Kind: runtime.KindReachable, ID: "refused"}
	refused := runtime.Assertion{Kind: runtime.KindSometimes, ID: "refused"}
	for _, test := range []struct {
		name    string
		reports []sweep.Report
		want    []string
	}{
		{"nothing ran", nil, nil},
		{"too few seeds", []sweep.Report{swept("transfer", 99), swept("storm", 99)}, nil},
		{"one alone", []sweep.Report{swept("transfer", 100)}, []string{"refused"}},
		{"another kind", []sweep.Report{swept("transfer", 100, otherKind)}, []string{"refused"}},
		{"both", []sweep.Report{swept("transfer", 100), swept("storm", 100)}, []string{"balanced", "large", "refused"}},
		{"elsewhere", []sweep.Report{swept("transfer", 100, refused), swept("storm", 100, balanced)}, []string{"large"}},
		{"a named one", []sweep.Report{swept("canary", 100)}, []string{"planted"}},
		{"a shard", []sweep.Report{{Scenario: "transfer", Done: 100, Shard: sweep.Shard{Index: 1, Of: 2}}}, nil},
	} {
		var got []string
		for _, a := range sweep.NeverEvaluated(bank(t), test.reports) {
			got = append(got, a.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
