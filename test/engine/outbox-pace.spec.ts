import { describe, expect, it } from '@jest/globals';
import { OutboxPace } from '../../lib/dispatch/outbox-pace.js';

const nothing = { done: 0, held: false };
const something = { done: 1, held: false };
const held = { done: 0, held: true };

describe('How soon the outbox is looked at again', () => {
  it('is about a second while there is work, and five of them at most', () => {
    const pace = new OutboxPace();
    pace.looked(something, 0, 0);
    expect(pace.wait(0, 0)).toBe(750);
    expect(pace.wait(0, 1)).toBe(1_250);
    for (let i = 0; i < 100; i++) pace.looked(nothing, 0, 0);
    expect(pace.wait(0, 0.5)).toBe(5_000);
  });

  it('is when what was held has come due, however often somebody has looked before', () => {
    const pace = new OutboxPace();
    // It was put off at 20 at the latest, so it is due at 120.
    pace.looked(held, 0, 20);
    expect(pace.wait(20, 0)).toBe(100);
    pace.looked(something, 20, 30);
    pace.looked(nothing, 30, 80);
    expect(pace.wait(80, 0)).toBe(40);
    // This look began a moment too early for it.
    pace.looked(nothing, 119, 125);
    expect(pace.wait(125, 0)).toBe(0);
    expect(pace.wait(125, 1)).toBe(50);
    pace.looked(nothing, 125, 130);
    expect(pace.wait(130, 0.5)).toBeGreaterThan(1_000);
  });

  it('is so for what is held again and again', () => {
    const pace = new OutboxPace();
    for (let now = 0; now < 1_000; now += 100) {
      pace.looked(held, now, now);
      expect(pace.wait(now, 0)).toBe(100);
    }
  });

  it('is a second or more while looks fail', () => {
    const pace = new OutboxPace();
    pace.looked(held, 0, 0);
    pace.failed();
    expect(pace.wait(200, 0.5)).toBeGreaterThan(1_000);
  });
});
