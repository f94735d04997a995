// sarama_member is a member of a group by sarama; ../../README.md has its properties and lines.
package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"kfk/interop/member"
)

var strategies = map[string]func() sarama.BalanceStrategy{
	"range":              sarama.NewBalanceStrategyRange,
	"roundrobin":         sarama.NewBalanceStrategyRoundRobin,
	"sticky":             sarama.NewBalanceStrategySticky,
	"cooperative-sticky": sarama.NewBalanceStrategyCooperativeSticky,
}

func config(a member.Args) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Group.Rebalance.Retry.Backoff = 100 * time.Millisecond
	if ms, found := a.Milliseconds("session.timeout.ms"); found {
		c.Consumer.Group.Session.Timeout = ms
	}
	if ms, found := a.Milliseconds("heartbeat.interval.ms"); found {
		c.Consumer.Group.Heartbeat.Interval = ms
	}
	c.Consumer.Group.InstanceId = a.Get("group.instance.id")
	if names := a.Get("partition.assignment.strategy"); names != "" {
		c.Consumer.Group.Rebalance.GroupStrategies = nil
		for name := range strings.SplitSeq(names, ",") {
			c.Consumer.Group.Rebalance.GroupStrategies = append(
				c.Consumer.Group.Rebalance.GroupStrategies, find(name))
		}
	}
	return c
}

func find(name string) sarama.BalanceStrategy {
	strategy := strategies[name]
	if strategy == nil {
		member.Die("no such assignor: " + name)
	}
	return strategy()
}

type claimer struct {
	group  sarama.ConsumerGroup
	cancel context.CancelFunc
	ended  chan struct{}

	lock    sync.Mutex
	session sarama.ConsumerGroupSession
}

func (c *claimer) Setup(session sarama.ConsumerGroupSession) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.session = session
	return nil
}

func (c *claimer) Cleanup(sarama.ConsumerGroupSession) error {
	return nil
}

// ConsumeClaim runs while a partition is this member's.
func (c *claimer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	place := member.Place(claim.Topic(), claim.Partition())
	member.Tell("assigned", place)
	for message := range claim.Messages() {
		// In this order, as what was told may be committed at once.
		session.MarkMessage(message, "")
		member.Record(message.Topic, message.Partition, message.Offset)
	}
	member.Tell("revoked", place)
	return nil
}

func (c *claimer) Commit() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.session != nil {
		c.session.Commit()
	}
	return nil
}

func (c *claimer) Quit() error {
	c.cancel()
	<-c.ended
	return c.group.Close()
}

// consume joins, again and again: each rebalance is the end of a session.
func (c *claimer) consume(ctx context.Context, topics []string) {
	defer close(c.ended)
	for ctx.Err() == nil {
		err := c.group.Consume(ctx, topics, c)
		if err != nil && !errors.Is(err, context.Canceled) {
			member.Error(err)
		}
	}
}

func main() {
	a := member.Parse("group.id", "group.instance.id", "heartbeat.interval.ms",
		"partition.assignment.strategy", "session.timeout.ms")
	group, err := sarama.NewConsumerGroup(strings.Split(a.Bootstrap, ","), a.Get("group.id"), config(a))
	if err != nil {
		member.Die(err.Error())
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &claimer{group: group, cancel: cancel, ended: make(chan struct{})}
	go c.consume(ctx, a.Topics)
	go func() {
		for err := range group.Errors() {
			member.Error(err)
		}
	}()
	member.Obey(c)
}
