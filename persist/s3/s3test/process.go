package s3test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

// process is a server of this process, with a directory of its own.
type process struct {
	root    string // of all that it has
	lock    *os.File
	socket  string
	command *exec.Cmd
	output  bytes.Buffer  // of the command; to be read when ended is closed
	ended   chan struct{} // closed when the command has ended
}

// The credentials of a server that lives only as long as its tests.
const (
	localKey    = "test"
	localSecret = "testsecret"
)

const readyTimeMax = 20 * time.Second

// startProcess builds the server if need be and starts it.
func startProcess() (*process, error) {
	program, err := build()
	if err != nil {
		return nil, err
	}
	for _, parent := range []string{"/dev/shm", os.TempDir()} {
		var p *process
		if p, err = startIn(parent, program); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// startIn starts a server below a directory. The path of the socket has to be shorter than
// 108 bytes, so the names are.
func startIn(parent, program string) (*process, error) {
	sweep(parent)
	root, err := os.MkdirTemp(parent, rootPattern)
	if err != nil {
		return nil, err
	}
	p := &process{root: root, socket: filepath.Join(root, "s"), ended: make(chan struct{})}
	if err := p.start(program); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) start(program string) error {
	var err error
	if p.lock, err = lockFile(filepath.Join(p.root, lockName), true); err != nil {
		close(p.ended)
		return err
	}
	objects, versions := filepath.Join(p.root, "d"), filepath.Join(p.root, "v")
	if err := errors.Join(os.Mkdir(objects, 0o700), os.Mkdir(versions, 0o700)); err != nil {
		close(p.ended)
		return err
	}
	// Without --disableotmp temporary names show up in listings. Buckets keep versions if asked to.
	p.command = exec.Command(program, "--port", p.socket, "--keep-alive", "--quiet",
		"posix", "--disableotmp", "--versioning-dir", versions, objects)
	p.command.Env = append(environment(), "ROOT_ACCESS_KEY_ID="+localKey, "ROOT_SECRET_ACCESS_KEY="+localSecret)
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	running, err := processtest.Start(p.command)
	if err != nil {
		close(p.ended)
		return err
	}
	go func() {
		_ = running.Wait() // that it was killed is no news
		close(p.ended)
	}()
	return p.awaitReady()
}

func (p *process) awaitReady() error {
	for deadline := time.Now().Add(readyTimeMax); time.Now().Before(deadline); {
		if connection, err := net.Dial("unix", p.socket); err == nil {
			return connection.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server has ended: %s", bytes.TrimSpace(p.output.Bytes()))
		case <-time.After(5 * time.Millisecond):
		}
	}
	return errors.New("the server does not answer")
}

// stop ends the server and removes what it has.
func (p *process) stop() {
	if p.command != nil && p.command.Process != nil {
		_ = p.command.Process.Kill() // it may have ended
	}
	<-p.ended
	if p.lock != nil {
		_ = p.lock.Close()
	}
	_ = os.RemoveAll(p.root) // what is left the next one sweeps
}

const (
	rootPattern = "tidemark-s3-*"
	lockName    = "LOCK"
)

// sweep removes what servers have left whose process was killed: a directory that nobody
// has locked. One that is just being made has no lock file yet.
func sweep(parent string) {
	roots, _ := filepath.Glob(filepath.Join(parent, rootPattern)) // the pattern is well formed
	for _, root := range roots {
		if _, err := os.Stat(filepath.Join(root, lockName)); err != nil {
			continue
		}
		if lock, err := lockFile(filepath.Join(root, lockName), false); err == nil {
			_ = os.RemoveAll(root)
			_ = lock.Close()
		}
	}
}
