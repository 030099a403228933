package main

import (
	"os"
	"testing"
	"time"
)

func TestCPUTimeAgreesWithStat(t *testing.T) {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	fine, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	coarse, err := statTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if d := fine - coarse; fine < 20*time.Millisecond || d < -50*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("CPU clock %v, /proc/<pid>/stat %v", fine, coarse)
	}
}

func TestMemoryFields(t *testing.T) {
	now, err := memory(os.Getpid(), "VmRSS")
	if err != nil || now < 1<<20 {
		t.Errorf("VmRSS %d, %v", now, err)
	}
	if _, err := memory(os.Getpid(), "VmNonsense"); err == nil {
		t.Error("an unknown field was found")
	}
}
