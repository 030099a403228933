package keys_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/keys"
)

func TestReference(t *testing.T) {
	const want = `## Keys

| Key | Type | Default | Since | Reload | Effect |
|---|---|---|---|---|---|
| ^on^ ^enabled^ | boolean | ^false^ |  | yes | Bool. |
| ^off^ | boolean | ^true^ | 2.1.0 | new connections | Not. |
| ^fine^ | boolean |  |  | yes | Satisfied. |
| ^text^ ^txt^ ^words^ | string |  |  | yes | String. |
| ^mode^ | "fast", "safe" or "slow" | ^safe^ |  | yes | OneOf. |
| ^list^ | string or array of strings |  |  | yes | Strings. |
| ^max_size^ | integer | ^10^ |  | yes | Int, with a\|b. |
| ^level^ | integer |  |  | yes | Int32. |
| ^count^ | integer |  |  | no | Int. |
| ^wait^ | duration |  |  | yes | Duration. |
| ^wait_text^ | duration |  |  | yes | DurationText. |
| ^listen^ | host:port or port |  |  | no | Address. |
| ^port^ | port |  |  | no | Port. |
| ^inner^ | map |  |  | see below | Block. |
| ^members^ | array of maps |  |  | yes | List. |
| ^odd^ | odd |  |  | yes | Custom. |

Only a restart changes ^count^: it is counted.

Only a restart changes ^listen^, ^port^: clients know it.

Known, but not supported by this version: ^later^, ^cluster^ ^clusters^, ^prot^.

### ^inner^

| Key | Type | Default | Since | Reload | Effect |
|---|---|---|---|---|---|
| ^name^ ^username^ | string |  |  | yes | Name. |
| ^pass^ | string |  |  | yes | Pass. |
| ^timeout^ | seconds or duration |  |  | yes | Seconds. |
| ^deep^ | map |  |  | see below | Deep. |

#### ^deep^

| Key | Type | Default | Since | Reload | Effect |
|---|---|---|---|---|---|
| ^deepest^ | string |  |  | yes | Deepest. |

### Each of ^members^

| Key | Type | Default | Since | Reload | Effect |
|---|---|---|---|---|---|
| ^name^ | string |  |  | yes | Name. |
| ^pass^ | string |  |  | yes | Pass. |
| ^role^ | boolean |  |  | yes | Role. |

`
	got := keys.Reference("Keys", new(fields).table(), 2)
	if diff := cmp.Diff(strings.ReplaceAll(want, "^", "`"), got); diff != "" {
		t.Error("-want +got\n", diff)
	}
}
