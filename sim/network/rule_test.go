package network_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/sim/network"
)

// TestRulesAreRefused protects people who write rules by hand.
func TestRulesAreRefused(t *testing.T) {
	for _, text := range []string{
		"drop", "drop 2", "drop 1/1", "drop 1/0", "drop 1/x", "drop #0", "drop #x", "drop #-1", "explode 1/2", "drop 1/2 3s",
		"delay 1/2", "delay 1/2 -3s", "delay 1/2 1s 2s", "drop 1/2 from=", "drop 1/2 from=a from=b", "drop 1/2 size=3", "drop 1/2 a",
	} {
		if rules, err := network.ParseRules(text); !errors.Is(err, network.ErrNetwork) {
			t.Errorf("%q: %v, %v", text, rules, err)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("drop 1/20; duplicate 1/50 5s from=n1; delay 1/10 2s kind=vote; drop #3 to=n2")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := network.ParseRules(text)
		if err != nil {
			if !errors.Is(err, network.ErrNetwork) {
				t.Error(err)
			}
			return
		}
		again, err := network.ParseRules(rules.String())
		if err != nil || again.String() != rules.String() {
			t.Errorf("%q is read as %q: %v", rules, again, err)
		}
	})
}

func ExampleParseRules() {
	rules, err := network.ParseRules("drop 1/20; delay 1/10 2s kind=vote; drop #3 to=n2")
	fmt.Println(len(rules), "rules:", rules, err)
	_, err = network.ParseRules("drop 1/1")
	fmt.Println(err)
	// Output:
	// 3 rules: drop 1/20; delay 1/10 2s kind=vote; drop #3 to=n2 <nil>
	// network: rule "drop 1/1": how often is 1/N, N at least 2, or #N, N at least 1
}
