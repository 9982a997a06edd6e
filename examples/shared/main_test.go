package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
)

// asProgram makes the test binary the program.
const asProgram = "SHARED_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Processes that run at the same time add each of their apples once, and what the README shows is so.
func TestProcessesShareACollection(t *testing.T) {
	server := s3test.Start(t)
	environment := append(append(os.Environ(), server.AWSEnvironment(t)...), asProgram+"=1")
	url := s3env.Scheme + server.Bucket + "/" + server.Prefix(t)
	program := func(name string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), os.Args[0], url, name)
		command.Env, command.Stderr = environment, os.Stderr
		return command
	}
	alice, bob := program("alice"), program("bob")
	for _, one := range []*exec.Cmd{alice, bob} {
		if err := one.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []*exec.Cmd{alice, bob} {
		if err := one.Wait(); err != nil {
			t.Error(err)
		}
	}
	out, err := program("bob").Output()
	if want := "5 apples of alice\n10 apples of bob\n"; err != nil || string(out) != want {
		t.Errorf("it prints %q, %v, want %q", out, err, want)
	}
}
