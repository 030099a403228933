package options

import (
	"fmt"
	"math"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/perms"
)

// permissions is a block of permissions (spec: configuration.md 10.2.2). An empty one
// allows everything, and counts as given.
func permissions(p **perms.Config) keys.Value {
	show := func() string { return fmt.Sprintf("%+v", *p) }
	read := func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Map {
			r.Errorf(v.Pos, "Expected permissions to be a map/struct, got %s", text(v))
			return
		}
		*p = new(perms.Config)
		r.Block("permissions", permissionKeys(*p), v)
	}
	return keys.Nested(permissionKeys(new(perms.Config)), show, read)
}

func permissionKeys(c *perms.Config) keys.Table {
	return keys.Table{
		{Name: "publish", Aliases: []string{"pub", "import"}, Value: rules(&c.Publish, func(r *perms.Rules) perms.Config {
			return perms.Config{Publish: r}
		}), Doc: "Subjects that may be published to: a subject, an array of them, or a map with `allow` and `deny`."},
		{Name: "subscribe", Aliases: []string{"sub", "export"}, Value: rules(&c.Subscribe, func(r *perms.Rules) perms.Config {
			return perms.Config{Subscribe: r}
		}), Doc: "Subjects that may be subscribed to, in the same forms. `\"subject queue\"` is for members of that queue group."},
		{Name: "allow_responses", Aliases: []string{"publish_allow_responses"}, Value: responses(&c.Responses), Since: "2.0.4",
			Doc: "Whether requests that were received may be answered, whatever `publish` says: a boolean, or a map with `max` and `expires`. If set, and `publish` allows nothing in particular, only answers may be published."},
	}
}

// rules is what is allowed and denied. An empty list or map counts as not given.
func rules(p **perms.Rules, config func(*perms.Rules) perms.Config) keys.Value {
	read := func(r *keys.Report, key string, v *conf.Value) {
		got := new(perms.Rules)
		switch {
		case v.Kind == conf.Map:
			if !r.Block(key, keys.Table{
				{Name: "allow", Value: subjects(&got.Allow)},
				{Name: "deny", Value: subjects(&got.Deny)},
			}, v) {
				return
			}
		case v.Kind != conf.String && v.Kind != conf.Array:
			r.Errorf(v.Pos, "Expected subject permissions to be a subject, or array of subjects, got %s", v.Kind.GoType())
			return
		case !readSubjects(r, v, &got.Allow):
			return
		}
		c := config(got)
		if _, err := c.Compile(); err != nil {
			r.Errorf(v.Pos, "%v", err)
			return
		}
		if *p = nil; got.Allow != nil || got.Deny != nil {
			*p = got
		}
	}
	return keys.Custom("subject, array or map", nil, read)
}

func subjects(p *[]string) keys.Value {
	return keys.Custom("subject or array", nil, func(r *keys.Report, key string, v *conf.Value) { readSubjects(r, v, p) })
}

func readSubjects(r *keys.Report, v *conf.Value, p *[]string) bool {
	list := v.List
	if v.Kind != conf.Array {
		list = []*conf.Value{v}
	}
	for _, e := range list {
		if e.Kind != conf.String {
			r.Errorf(e.Pos, "Subject in permissions array cannot be cast to string: %s is %s", text(e), e.Kind)
			return false
		}
		*p = append(*p, e.Str)
	}
	return true
}

// responses is the permission to answer.
func responses(p **perms.Responses) keys.Value {
	return keys.Custom("boolean or map", nil, func(r *keys.Report, key string, v *conf.Value) {
		switch v.Kind {
		case conf.Bool:
			if *p = nil; v.Bool {
				*p = new(perms.Responses)
			}
		case conf.Map:
			*p = new(perms.Responses)
			r.Block(key, keys.Table{
				{Name: "max", Aliases: []string{"max_msgs", "max_messages", "max_responses"}, Value: keys.Int(&(*p).Max, math.MinInt32, math.MaxInt32)},
				{Name: "expires", Aliases: []string{"expiration", "ttl"}, Value: keys.AnyDuration(&(*p).Expires)},
			}, v)
		default:
			r.Errorf(v.Pos, "error parsing response permissions, expected a boolean or a map")
		}
	})
}
