package dashboard_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// filled are conditions under which each section shows what it is for.
var filled = []struct{ section, condition string }{
	{"overview", `document.querySelector(".chart path.line.in")?.getAttribute("d").includes("L") && document.querySelector(".tile strong").textContent === "1,204"`},
	{"connections", `document.querySelectorAll("tbody tr").length === 100 && document.querySelector("tbody tr td:nth-child(3)").textContent !== "–"`},
	{"subjects", `document.querySelectorAll("tbody tr").length === 62`},
	{"network", `document.querySelectorAll(".graph .node").length === 8 && document.querySelectorAll("tbody tr").length === 7`},
	{"accounts", `document.querySelectorAll("tbody tr").length === 3 && document.querySelector("tbody td.code").textContent === "SHOP"`},
	{"config", `document.querySelectorAll("tbody tr").length === 3`},
}

// Every section, in two sizes and two themes, shows its content without a word in the
// console, and needs no scrolling sideways. What is hostile is shown as it is.
func TestSections(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	t.Cleanup(srv.Close)
	for _, width := range []int{390, 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			b := open(t, width, 844)
			for _, theme := range []string{"light", "dark"} {
				b.prefer(theme)
				b.visit(srv.URL + "/dashboard")
				for _, f := range filled {
					b.section(f.section)
					b.until(f.condition)
					b.picture(fmt.Sprintf("%s-%d-%s", f.section, width, theme))
					if wide := eval[int](b, `document.scrollingElement.scrollWidth - innerWidth`); wide > 0 {
						t.Errorf("%s is %d pixels too wide", f.section, wide)
					}
				}
				if dark := eval[int](b, `Number(getComputedStyle(document.body).backgroundColor.match(/\d+/g)[0])`) < 128; dark != (theme == "dark") {
					t.Errorf("the page is dark: %v, with theme %s", dark, theme)
				}
			}
			b.noProblems()
		})
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	b := open(t, 1280, 844)
	b.visit(srv.URL + "/dashboard")
	shown := fmt.Sprintf("[...document.querySelectorAll('main td')].some(td => td.textContent.includes(%q))", hostile)
	for _, section := range []string{"connections", "subjects", "network"} {
		b.section(section)
		b.until(shown)
		if n := eval[int](b, `document.querySelectorAll("main img").length`); n != 0 {
			t.Errorf("%s has become markup", section)
		}
	}
	if title := eval[string](b, `document.title`); title != "eu-north-1 – nats-server" {
		t.Errorf("the title is %q", title)
	}
	b.noProblems()
}

// A browser would run nothing that got into the page as markup. The proof that the
// policy is in force, and that these tests notice a violation.
func TestPolicyForbidsInlineScript(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	b := open(t, 1280, 844)
	b.visit(srv.URL + "/dashboard")
	eval[chromedp.Void](b, `void document.body.append(Object.assign(document.createElement("div"), {innerHTML: "<button id=evil onclick='window.owned = 1'>"}))`)
	eval[chromedp.Void](b, `void document.getElementById("evil").click()`)
	if eval[bool](b, `"owned" in window`) {
		t.Error("an inline handler ran")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) == 0 {
		t.Error("the browser did not complain")
	}
}

func TestConnectionsSection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	b := open(t, 1280, 844)
	b.visit(srv.URL + "/dashboard#connections")
	first := `document.querySelector("tbody tr td").textContent`
	note := `document.querySelector("[role=status]").textContent`
	press := func(text string) {
		t.Helper()
		b.until(fmt.Sprintf(`[...document.querySelectorAll("main button")].some(b => b.textContent === %q && !b.disabled)`, text))
		eval[chromedp.Void](b, fmt.Sprintf(`void [...document.querySelectorAll("main button")].find(b => b.textContent === %q).click()`, text))
	}
	b.until(note + ` === "1 to 100 of 250."`)
	press("Next")
	b.until(note + ` === "101 to 200 of 250." && ` + first + ` === "101"`)
	press("Next")
	b.until(note + ` === "201 to 250 of 250."`)
	press("Previous")
	b.until(note + ` === "101 to 200 of 250."`)
	press("Msgs out")
	b.until(`document.querySelector("[aria-sort=descending]").textContent === "Msgs out" && ` + note + ` === "1 to 100 of 250."`)
	press("Top talkers")
	b.until(`document.querySelectorAll("tbody tr").length === 50 && ` + first + ` === "1"`)
	press("Slow")
	b.until(`document.querySelectorAll("tbody tr").length === 51 && document.querySelector("tbody td.warn").textContent === "23.4 MB"`)
	press("Closed")
	b.until(`[...document.querySelectorAll("tbody td")].some(td => td.textContent === "Slow Consumer (Pending Bytes)") && ` + note + ` === "1 to 100 of 250."`)
	b.do(chromedp.SendKeys(`input[type=search]`, "WORKER-249"))
	b.until(note + ` === "1 match. 1 to 250 of 250." && document.querySelectorAll("tbody tr").length === 1`)
	b.do(chromedp.SendKeys(`input[type=search]`, "0"))
	b.until(`document.querySelector(".empty").checkVisibility() && document.querySelector(".empty").textContent === "Nothing matches the filter."`)
	b.noProblems()
}

func TestSubjectsSection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	b := open(t, 1280, 844)
	b.visit(srv.URL + "/dashboard#subjects")
	b.until(`document.querySelectorAll("tbody tr").length === 62`)
	b.do(chromedp.SendKeys(`input[type=search]`, "New.001"))
	b.until(`document.querySelectorAll("tbody tr").length === 10`)
	eval[chromedp.Void](b, `void document.querySelectorAll(".choice button")[2].click()`)
	b.until(`document.querySelector(".empty").textContent === "Nothing matches the filter."`)
	for range "New.001" {
		b.do(chromedp.SendKeys(`input[type=search]`, "\b"))
	}
	b.until(`document.querySelector("tbody td").textContent === "orders.eu.>"`)
	b.noProblems()
}

func TestServerWithoutPeers(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.alone = true
	srv := httptest.NewServer(f)
	defer srv.Close()
	b := open(t, 390, 844)
	b.visit(srv.URL + "/dashboard#network")
	b.until(`[...document.querySelectorAll(".empty")].some(e => e.checkVisibility() && e.textContent.includes("This server is on its own."))`)
	b.picture("network-alone")
	b.noProblems()
}

// A server that does not answer is said to be so, since when, and the page recovers by
// itself.
func TestServerGone(t *testing.T) {
	t.Parallel()
	f := newFake()
	srv := httptest.NewServer(f)
	defer srv.Close()
	b := open(t, 390, 844)
	b.visit(srv.URL + "/dashboard")
	b.until(`document.querySelector(".tile strong").textContent === "1,204"`)
	if !eval[bool](b, `document.getElementById("banner").hidden`) {
		t.Error("there is a banner while all is well")
	}
	f.down.Store(true)
	b.until(`/^Server not reachable since \d\d:\d\d:\d\d\./.test(document.getElementById("banner").innerText)`)
	b.picture("gone")
	f.down.Store(false)
	b.until(`document.getElementById("banner").hidden`)
}

// Nothing is asked for while nobody can see the page.
func TestHiddenPageIsQuiet(t *testing.T) {
	t.Parallel()
	f := newFake()
	srv := httptest.NewServer(f)
	defer srv.Close()
	b := open(t, 390, 844)
	b.visit(srv.URL + "/dashboard")
	b.until(`document.querySelector(".tile strong").textContent === "1,204"`)
	hide := func(hidden bool) {
		eval[chromedp.Void](b, fmt.Sprintf(`void Object.defineProperty(document, "hidden", {value: %v, configurable: true})`, hidden))
		eval[chromedp.Void](b, `void document.dispatchEvent(new Event("visibilitychange"))`)
	}
	// A clock of the page tells when polls would have come.
	eval[chromedp.Void](b, `void (window.passed = 0)`)
	hide(true)
	before := f.polls.Load()
	eval[chromedp.Void](b, `void setTimeout(() => window.passed = 1, 5000)`)
	b.until(`window.passed`)
	if n := f.polls.Load() - before; n > 1 { // one may have been under way
		t.Errorf("%d polls while the page was hidden", n)
	}
	hide(false)
	for before = f.polls.Load(); f.polls.Load() < before+2; {
		b.until(`true`)
	}
	b.noProblems()
}

// The choice of a theme is remembered.
func TestThemeToggle(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFake())
	defer srv.Close()
	b := open(t, 390, 844)
	b.prefer("light")
	dark := `Number(getComputedStyle(document.body).backgroundColor.match(/\d+/g)[0]) < 128`
	b.visit(srv.URL + "/dashboard")
	b.until(`!(` + dark + `) && document.getElementById("theme").textContent === "Dark"`)
	b.do(chromedp.Click("#theme"))
	b.until(dark + ` && document.getElementById("theme").textContent === "Light"`)
	b.visit(srv.URL + "/dashboard")
	b.until(dark)
	b.do(chromedp.Click("#theme"))
	b.until(`!(` + dark + `)`)
	b.noProblems()
}

// Everything works below a base path, and with the keyboard alone.
func TestBasePathAndKeyboard(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.base = "/some/where"
	srv := httptest.NewServer(f)
	defer srv.Close()
	b := open(t, 1280, 844)
	b.visit(srv.URL + "/some/where/dashboard/") // leads to the page without the slash
	b.until(`location.pathname === "/some/where/dashboard" && document.querySelector(".tile strong").textContent === "1,204"`)
	const tab = "\t"
	for range 20 {
		b.do(chromedp.KeyEvent(tab))
		if eval[string](b, `document.activeElement.textContent`) == "Subjects" {
			break
		}
	}
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.querySelectorAll("tbody tr").length === 62 && document.querySelector("[aria-current]").textContent === "Subjects"`)
	b.noProblems()
}
