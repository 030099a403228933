//go:build unix

package testkit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindReference(t *testing.T) {
	f := func(name, script, wantVersion, wantErr string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "nats-server")
		if script != "" {
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("NATS_REFERENCE", path)
		ref, err := findReference()
		switch {
		case wantErr == "" && (err != nil || ref.path != path || ref.version != wantVersion):
			t.Errorf("%s: %v, %v", name, ref, err)
		case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%s: error %v, want one with %q", name, err, wantErr)
		}
	}
	f("a reference", `echo "nats-server: v2.9.10"`, "2.9.10", "")
	f("a later one", `echo "nats-server: v2.14.5-beta"`, "2.14.5-beta", "")
	f("ourselves", `echo "nats-server: v3.0.0-dev"`, "", "this project")
	f("something else", `echo hello`, "", "no version")
	f("something that fails", `exit 3`, "", "exit status 3")
	f("nothing", "", "", "no such file")
}

func TestStartReference(t *testing.T) {
	addr := StartReferenceConfig(t, "max_payload: 77\n")
	r := Dial(t, addr)
	if !strings.Contains(r.Info, `"max_payload":77`) {
		t.Errorf("the configuration is not in force: %s", r.Info)
	}
	r.Connect(`{"verbose":false}`)
	if before := r.Sync(); before != "" {
		t.Errorf("before PONG came %q", before)
	}
}
