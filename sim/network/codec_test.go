package network_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim/network"
)

type list struct {
	Value any
	Next  *list
}

type full struct {
	At     time.Time
	By     map[string][]int
	Next   *full
	Number [3]uint8
}

// TestGobCarriesAll protects messages: what arrives equals what was sent.
func TestGobCarriesAll(t *testing.T) {
	codec, err := network.Gob[full]()
	if err != nil {
		t.Fatal(err)
	}
	m := full{
		At: time.Unix(1, 2).UTC(), By: map[string][]int{"a": {1, 2}}, Next: &full{Number: [3]uint8{1, 2, 3}},
	}
	data, err := codec.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(data)
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestGobRefusesWhatItWouldLose protects messages from fields that gob leaves out without a
// word.
func TestGobRefusesWhatItWouldLose(t *testing.T) {
	refused := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, network.ErrNetwork) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := network.Gob[chan int]()
	refused("channel", err)
	_, err = network.Gob[struct{ Reply chan int }]()
	refused("channel in a field", err)
	_, err = network.Gob[map[string][]*struct{ F func() }]()
	refused("function deep inside", err)
	_, err = network.Gob[struct{ hidden int }]()
	refused("field that is not exported", err)
	codec, err := network.Gob[list]()
	if err != nil {
		t.Fatal(err)
	}
	endless := &list{}
	endless.Next = endless
	for name, m := range map[string]list{
		"function behind an interface":     {Value: struct{ F func() }{}},
		"channel behind an interface":      {Next: &list{Value: make(chan int)}},
		"a message that is part of itself": *endless,
	} {
		if data, err := codec.Encode(m); err == nil {
			t.Errorf("%s: %d bytes", name, len(data))
		}
	}
}
