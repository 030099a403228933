package dashboard_test

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait of these tests; one that succeeds takes far less.
const patience = 30 * time.Second

// browser is a page in a Chromium without a screen.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the page complained about
}

// chromium returns the path of the browser, or skips the test; where CI is set it
// fails instead.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if name := os.Getenv("CHROMIUM"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("chromium must be installed in CI")
	}
	t.Skip("no chromium: install it, or name one with CHROMIUM, to test the dashboard in a browser")
	return ""
}

// open starts a browser with a window of that size.
func open(t *testing.T, width, height int) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closePage := chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
		closePage()
		stop()
	})
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	b.do(chromedp.EmulateViewport(int64(width), int64(height)))
	return b
}

// event notes errors of scripts, what the console is told, and what the browser
// itself logs: violations of the policy and failed requests.
func (b *browser) event(ev any) {
	problem := ""
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		problem = "exception: " + ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			problem += " " + e.Description
		}
	case *runtime.EventConsoleAPICalled:
		problem = "console: " + string(ev.Type)
		for _, arg := range ev.Args {
			problem += " " + string(arg.Value) + arg.Description
		}
	case *log.EventEntryAdded:
		problem = "log: " + ev.Entry.Text + " " + ev.Entry.URL
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

// noProblems fails the test for everything that the page complained about.
func (b *browser) noProblems() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Error(p)
	}
	b.problems = nil
}

func (b *browser) do(action chromedp.Action[chromedp.Void]) { run(b, action) }

// run returns what an action yields, within patience.
func run[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// call sends a command of the protocol.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// eval returns the value of an expression on the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](expression))
}

// until waits for a condition on the page.
func (b *browser) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for !eval[bool](b, "Boolean("+condition+")") {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			b.noProblems()
			b.t.Fatalf("waited in vain for %s; the page says %q", condition, eval[string](b, `document.body.innerText`))
		}
	}
}

// picture stores the page as a file in the directory that DASHBOARD_PICTURES names, for
// people to look at.
func (b *browser) picture(name string) {
	dir := os.Getenv("DASHBOARD_PICTURES")
	if dir == "" {
		return
	}
	png := run(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(dir+"/"+name+".png", png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// visit loads a page.
func (b *browser) visit(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// section changes to a section of the page by its link.
func (b *browser) section(id string) {
	b.t.Helper()
	b.do(chromedp.Click(`nav a[href="#` + id + `"]`))
}

// prefer sets the theme of the system.
func (b *browser) prefer(theme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
}
