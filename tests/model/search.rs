//! Breadth first through every interleaving, so that the first way found to a loss is a shortest one; and backwards from
//! the good ends, to see whether every state can still come to one.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::decisions::RUNNING;
use super::losses::{self, Losses, bit};
use super::world::{Setup, World};

/// No process, or no number.
pub const NOBODY: u8 = u8::MAX;
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Label {
    text: &'static str,
    process: u8,
    number: u8,
}

impl Label {
    fn show(self) -> String {
        let mut shown = String::new();
        if self.process != NOBODY {
            shown.push(char::from(b'A' + self.process));
            shown.push(' ');
        }
        shown.push_str(self.text);
        if self.number != NOBODY {
            // `R` in front: a refresh token.
            let space = if self.text.ends_with(" R") { "" } else { " " };
            shown.push_str(&format!("{space}{}", self.number));
        }
        shown
    }
}

struct Step {
    label: Label,
    fault: bool,
    world: World,
    losses: Losses,
}

/// The steps that lead on from one state.
pub struct Steps {
    found: Vec<Step>,
    faults: u8,
}

impl Steps {
    pub fn add(&mut self, text: &'static str, process: usize, number: u8, world: World, losses: Losses) {
        self.push(text, process, number, world, losses, false);
    }

    /// The same, if the budget of faults is not spent.
    pub fn fault(&mut self, text: &'static str, process: usize, number: u8, mut world: World, losses: Losses) {
        if self.faults > 0 {
            world.faults -= 1;
            self.push(text, process, number, world, losses, true);
        }
    }

    fn push(&mut self, text: &'static str, process: usize, number: u8, mut world: World, losses: Losses, fault: bool) {
        // What means nothing any more must not tell states apart.
        if world.row.lease == 0 {
            world.times.lease = RUNNING;
            world.lease_grant = 0;
        }
        world.times.waited_long &= world.row.unsettled;
        let label = Label {
            text,
            process: process as u8,
            number,
        };
        self.found.push(Step {
            label,
            fault,
            world,
            losses,
        });
    }
}

/// A loss with the number of steps that bring it about, and a shortest way to it.
pub struct Found {
    pub loss: u8,
    pub steps: usize,
    pub trace: Vec<String>,
}

pub struct Report {
    pub states: usize,
    pub steps: usize,
    pub found: Vec<Found>,
}

impl Report {
    /// All that was found of `losses`, told in full.
    pub fn tell(&self, losses: Losses) -> String {
        let found = self.found.iter().filter(|found| losses & bit(found.loss) != 0);
        let told = found.map(|found| {
            let way = found.trace.join("\n    ");
            format!(
                "{} ({} steps lead to it), first:\n    {way}",
                losses::NAMES[found.loss as usize],
                found.steps
            )
        });
        told.collect::<Vec<_>>().join("\n")
    }
}

/// Explores all states. `until`: stops at the first step that brings one of these losses about.
pub fn explore(setup: &Setup, until: Losses) -> Report {
    let mut seen = Seen::default();
    let mut first: [Option<(u32, Label)>; losses::NAMES.len()] = [None; losses::NAMES.len()];
    let mut counts = [0; losses::NAMES.len()];
    let mut backwards = Vec::new();
    let mut steps = Steps {
        found: Vec::new(),
        faults: 0,
    };
    let mut taken = 0;
    seen.add(World::new(setup), None);
    let mut place = 0;
    'search: while place < seen.worlds.len() {
        let world = seen.worlds[place];
        steps.faults = world.faults;
        world.steps(setup, &mut steps);
        for step in steps.found.drain(..) {
            taken += 1;
            for loss in (0..losses::NAMES.len()).filter(|loss| step.losses & (1 << loss) != 0) {
                counts[loss] += 1;
                first[loss].get_or_insert((place as u32, step.label));
            }
            if step.losses & until != 0 {
                break 'search;
            }
            let next = seen.add(step.world, Some((place as u32, step.label)));
            if !step.fault && next != place as u32 {
                backwards.push((next, place as u32));
            }
        }
        place += 1;
    }
    let mut found = Vec::new();
    for (loss, first) in first.iter().enumerate() {
        if let Some((place, label)) = first {
            let mut trace = seen.trace(*place);
            trace.push(label.show());
            found.push(Found {
                loss: loss as u8,
                steps: counts[loss],
                trace,
            });
        }
    }
    if until == 0 {
        found.extend(stuck(setup, &seen, backwards));
    }
    Report {
        states: seen.worlds.len(),
        steps: taken,
        found,
    }
}

/// States from which, without further faults, no good end can be reached. With less than three attempts left the bound
/// would be to blame.
fn stuck(setup: &Setup, seen: &Seen, mut backwards: Vec<(u32, u32)>) -> Option<Found> {
    backwards.sort_unstable();
    let count = seen.worlds.len();
    let mut can = vec![false; count];
    let mut todo: VecDeque<u32> = (0..count as u32)
        .filter(|place| seen.worlds[*place as usize].ended_well(setup))
        .collect();
    for place in &todo {
        can[*place as usize] = true;
    }
    while let Some(end) = todo.pop_front() {
        let from = backwards.partition_point(|edge| edge.0 < end);
        for (_, before) in backwards[from..].iter().take_while(|edge| edge.0 == end) {
            if !std::mem::replace(&mut can[*before as usize], true) {
                todo.push_back(*before);
            }
        }
    }
    let judged = |place: &usize| seen.worlds[*place].attempts + 3 <= setup.bounds.attempts;
    let stuck: Vec<usize> = (0..count).filter(|place| !can[*place]).filter(judged).collect();
    let first = *stuck.first()?;
    Some(Found {
        loss: losses::STUCK,
        steps: stuck.len(),
        trace: seen.trace(first as u32),
    })
}

/// The states found so far, each with the step that first led to it.
#[derive(Default)]
struct Seen {
    table: Vec<u32>,
    worlds: Vec<World>,
    from: Vec<(u32, Option<Label>)>,
}

impl Seen {
    /// The number of a state, new or known.
    fn add(&mut self, world: World, from: Option<(u32, Label)>) -> u32 {
        if self.worlds.len() * 2 >= self.table.len() {
            self.grow();
        }
        let mut slot = self.slot(&world);
        while self.table[slot] != NONE {
            let known = self.table[slot];
            if self.worlds[known as usize] == world {
                return known;
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        let number = self.worlds.len() as u32;
        self.table[slot] = number;
        self.worlds.push(world);
        self.from
            .push(from.map_or((NONE, None), |(place, label)| (place, Some(label))));
        number
    }

    fn slot(&self, world: &World) -> usize {
        let mut hasher = Words(0);
        world.hash(&mut hasher);
        hasher.finish() as usize & (self.table.len() - 1)
    }

    fn grow(&mut self) {
        self.table = vec![NONE; (self.table.len() * 2).max(1 << 12)];
        for number in 0..self.worlds.len() {
            let mut slot = self.slot(&self.worlds[number]);
            while self.table[slot] != NONE {
                slot = (slot + 1) & (self.table.len() - 1);
            }
            self.table[slot] = number as u32;
        }
    }

    fn trace(&self, place: u32) -> Vec<String> {
        let mut trace = Vec::new();
        let mut at = place;
        while let (before, Some(label)) = self.from[at as usize] {
            trace.push(label.show());
            at = before;
        }
        trace.reverse();
        trace
    }
}

/// A quick hash over whole words: the default one takes most of the time in a build without optimisation.
struct Words(u64);

impl Words {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Words {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.mix(word as u64);
    }
}
