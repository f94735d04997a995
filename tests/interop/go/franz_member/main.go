// franz_member is a member of a group by franz-go; ../../README.md has its properties and lines.
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"kfk/interop/member"
)

var balancers = map[string]func() kgo.GroupBalancer{
	"range":              kgo.RangeBalancer,
	"roundrobin":         kgo.RoundRobinBalancer,
	"sticky":             kgo.StickyBalancer,
	"cooperative-sticky": kgo.CooperativeStickyBalancer,
}

// The coordinator's assignors, by the balancers that stand for them.
var remote = map[string]func() kgo.GroupBalancer{
	"":        kgo.StickyBalancer,
	"uniform": kgo.StickyBalancer,
	"range":   kgo.RangeBalancer,
}

func options(a member.Args) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(a.Bootstrap, ",")...),
		kgo.ConsumerGroup(a.Get("group.id")),
		kgo.ConsumeTopics(a.Topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(change("assigned")),
		kgo.OnPartitionsRevoked(change("revoked")),
		kgo.OnPartitionsLost(change("lost")),
	}
	if ms, found := a.Milliseconds("session.timeout.ms"); found {
		opts = append(opts, kgo.SessionTimeout(ms))
	}
	if ms, found := a.Milliseconds("heartbeat.interval.ms"); found {
		opts = append(opts, kgo.HeartbeatInterval(ms))
	}
	if id := a.Get("group.instance.id"); id != "" {
		opts = append(opts, kgo.InstanceID(id))
	}
	return append(opts, balancing(a)...)
}

// With nothing said it is the client's own default.
func balancing(a member.Args) []kgo.Opt {
	if a.Get("group.protocol") == "consumer" {
		balancer := find(remote, a.Get("group.remote.assignor"))
		return []kgo.Opt{kgo.Balancers(balancer), kgo.ServerSideBalancer()}
	}
	names := a.Get("partition.assignment.strategy")
	if names == "" {
		return nil
	}
	var chosen []kgo.GroupBalancer
	for name := range strings.SplitSeq(names, ",") {
		chosen = append(chosen, find(balancers, name))
	}
	return []kgo.Opt{kgo.Balancers(chosen...)}
}

func find(all map[string]func() kgo.GroupBalancer, name string) kgo.GroupBalancer {
	balancer := all[name]
	if balancer == nil {
		member.Die("no such assignor: " + name)
	}
	return balancer()
}

func change(how string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
		member.Changed(how, partitions)
	}
}

type franz struct {
	client *kgo.Client
}

func (f franz) Commit() error {
	return f.client.CommitUncommittedOffsets(context.Background())
}

func (f franz) Quit() error {
	f.client.CloseAllowingRebalance()
	return nil
}

func (f franz) poll() {
	for {
		fetches := f.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.Canceled) {
				member.Error(e.Err)
			}
		}
		fetches.EachRecord(func(r *kgo.Record) { member.Record(r.Topic, r.Partition, r.Offset) })
		f.client.AllowRebalance()
	}
}

func main() {
	a := member.Parse("group.id", "group.instance.id", "group.protocol", "group.remote.assignor",
		"heartbeat.interval.ms", "partition.assignment.strategy", "session.timeout.ms")
	client, err := kgo.NewClient(options(a)...)
	if err != nil {
		member.Die(err.Error())
	}
	f := franz{client}
	go f.poll()
	member.Obey(f)
}
