//! Breadth-first search over every state of a model: the shortest way to a broken promise, and
//! whether everything can still end well from everywhere.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

/// A system of finitely many states.
pub trait Model {
    /// All that matters of the system at one time.
    type State: Clone + Eq + Hash + Debug;
    /// One step.
    type Action: Debug;

    /// The states that it may begin in.
    fn starts(&self) -> Vec<Self::State>;

    /// Appends every step that can be taken, with what it leads to.
    fn steps(&self, state: &Self::State, out: &mut Vec<(Self::Action, Self::State)>);

    /// The promise that this state breaks.
    fn broken(&self, state: &Self::State) -> Option<&'static str>;

    /// Whether everything has ended well: from every state one such must remain reachable.
    fn settled(&self, state: &Self::State) -> bool;
}

/// A way from the start to where a promise is broken.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The promise.
    pub what: &'static str,
    /// The steps and the state at the end, as text.
    pub steps: Vec<String>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Searched {
    /// States met, each once.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// Steps of the longest shortest way.
    pub depth: usize,
    /// The first broken promise.
    pub counterexample: Option<Counterexample>,
}

/// Said of a state from which no good end can be reached.
pub const STUCK: &str = "everybody can still be answered, and everything let go";

const NOBODY: u32 = u32::MAX;

/// What is kept of the states: not they themselves, but how they were met.
#[derive(Default)]
struct Graph {
    /// Fingerprints of 64 bits: that two of some millions agree by chance is less likely than one
    /// in a hundred thousand.
    known: HashMap<u64, u32>,
    prints: Vec<u64>,
    /// The state from which each was first met.
    from: Vec<u32>,
    depth: u32,
    settled: Vec<bool>,
    edges: Vec<(u32, u32)>,
}

fn print_of<S: Hash>(state: &S) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

impl Graph {
    /// The number of a state, and whether it is new.
    fn add<M: Model>(&mut self, model: &M, state: &M::State, from: u32) -> (u32, bool) {
        let print = print_of(state);
        let next = u32::try_from(self.prints.len()).expect("fewer than 2^32 states");
        let index = *self.known.entry(print).or_insert(next);
        if index == next {
            self.prints.push(print);
            self.from.push(from);
            self.settled.push(model.settled(state));
        }
        (index, index == next)
    }
}

/// Searches all states, or up to a broken promise.
///
/// # Panics
/// If there are more than `states_max` states: a bound is to be chosen, not met by accident.
pub fn search<M: Model>(model: &M, states_max: usize) -> Searched {
    let mut graph = Graph::default();
    let mut open = VecDeque::new();
    for state in model.starts() {
        let (index, _) = graph.add(model, &state, NOBODY);
        open.push_back((index, 0, state));
    }
    let mut steps = Vec::new();
    while let Some((index, depth, state)) = open.pop_front() {
        graph.depth = depth;
        if let Some(what) = model.broken(&state) {
            return told(model, &graph, Some((what, index)));
        }
        model.steps(&state, &mut steps);
        for (_, after) in steps.drain(..) {
            let (to, is_new) = graph.add(model, &after, index);
            graph.edges.push((index, to));
            if is_new {
                open.push_back((to, depth + 1, after));
            }
        }
        assert!(
            graph.prints.len() < states_max,
            "more states than the bound"
        );
    }
    let stuck = first_stuck(&graph);
    told(model, &graph, stuck.map(|index| (STUCK, index)))
}

/// The first state from which no settled one can be reached.
fn first_stuck(graph: &Graph) -> Option<u32> {
    let count = graph.prints.len();
    let mut edges: Vec<(u32, u32)> = graph.edges.iter().map(|(a, b)| (*b, *a)).collect();
    edges.sort_unstable();
    let mut begins = vec![0_usize; count + 1];
    for (to, _) in &edges {
        begins[*to as usize + 1] += 1;
    }
    for index in 0..count {
        begins[index + 1] += begins[index];
    }
    let mut well = graph.settled.clone();
    let mut open: Vec<usize> = (0..count).filter(|index| well[*index]).collect();
    while let Some(index) = open.pop() {
        for (_, before) in &edges[begins[index]..begins[index + 1]] {
            let before = *before as usize;
            if !well[before] {
                well[before] = true;
                open.push(before);
            }
        }
    }
    let stuck = well.iter().position(|well| !well);
    stuck.map(|index| u32::try_from(index).expect("fewer than 2^32 states"))
}

fn told<M: Model>(model: &M, graph: &Graph, broken: Option<(&'static str, u32)>) -> Searched {
    Searched {
        states: graph.prints.len(),
        steps: graph.edges.len(),
        depth: usize::try_from(graph.depth).expect("32 bits"),
        counterexample: broken.map(|(what, index)| Counterexample {
            what,
            steps: way_to(model, graph, index),
        }),
    }
}

/// Walks from the start again, by the fingerprints of the states on the way.
fn way_to<M: Model>(model: &M, graph: &Graph, index: u32) -> Vec<String> {
    let mut prints = Vec::new();
    let mut at = index;
    while at != NOBODY {
        prints.push(graph.prints[at as usize]);
        at = graph.from[at as usize];
    }
    let start = prints.pop().expect("every way has a start");
    let mut starts = model.starts().into_iter();
    let mut state = starts
        .find(|state| print_of(state) == start)
        .expect("it began there");
    let mut way = Vec::new();
    while let Some(print) = prints.pop() {
        let mut steps = Vec::new();
        model.steps(&state, &mut steps);
        let step = steps.into_iter().find(|step| print_of(&step.1) == print);
        let (action, after) = step.expect("it was met from there");
        way.push(format!("{action:?}"));
        state = after;
    }
    way.push(format!("{state:?}"));
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up to a number, and may fall into a hole.
    struct Counter {
        broken_at: u8,
        hole: bool,
    }

    impl Model for Counter {
        type State = u8;
        type Action = &'static str;

        fn starts(&self) -> Vec<u8> {
            vec![0]
        }

        fn steps(&self, state: &u8, out: &mut Vec<(&'static str, u8)>) {
            if *state < 10 {
                out.push(("one", state + 1));
            }
            if *state < 9 {
                out.push(("two", state + 2));
            }
            if self.hole && *state == 4 {
                out.push(("fall", 99));
            }
        }

        fn broken(&self, state: &u8) -> Option<&'static str> {
            (*state == self.broken_at).then_some("no such number")
        }

        fn settled(&self, state: &u8) -> bool {
            *state == 10
        }
    }

    #[test]
    fn every_state_is_met_once() {
        let model = Counter {
            broken_at: 50,
            hole: false,
        };
        let searched = search(&model, 100);
        assert_eq!((searched.states, searched.depth), (11, 5));
        assert!(searched.counterexample.is_none());
    }

    #[test]
    fn the_shortest_way_to_a_broken_promise_is_told() {
        let model = Counter {
            broken_at: 3,
            hole: false,
        };
        let found = search(&model, 100).counterexample.expect("3 is met");
        assert_eq!(found.what, "no such number");
        assert_eq!(found.steps, ["\"one\"", "\"two\"", "3"]);
    }

    #[test]
    fn a_state_without_a_good_end_is_told() {
        let model = Counter {
            broken_at: 50,
            hole: true,
        };
        let found = search(&model, 100).counterexample.expect("99 is met");
        assert_eq!(found.what, STUCK);
        assert_eq!(found.steps.last().map(String::as_str), Some("99"));
    }
}
