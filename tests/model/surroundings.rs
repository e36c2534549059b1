//! What happens to the processes: the platform takes requests in its own way, the wire loses them, the merchant authorizes
//! again or leaves, and time goes on whenever nobody who runs has anything to do.

use super::decisions::{DUE, EXPIRED, FRESH, Kind, LONG_PAST, PAST, RUNNING, WAITED};
use super::losses::{self, Losses, bit};
use super::search::{NOBODY, Steps};
use super::world::{ATTEMPTS, Clause, Life, Reply, Request, Setup, Stage, Token, Wire, World};

const WORLD: usize = NOBODY as usize;

impl World {
    pub fn steps(&self, setup: &Setup, steps: &mut Steps) {
        for process in setup.processes() {
            self.process_steps(setup, process, steps);
        }
        for place in 0..ATTEMPTS {
            if self.request[place].wire == Wire::Travelling {
                self.wire_steps(setup, place, steps);
            }
        }
        self.merchant_steps(setup, steps);
        let connected = setup
            .processes()
            .filter(|process| self.process[*process].life != Life::Down && !self.process[*process].cut);
        if connected.count() > 1 {
            let mut next = *self;
            for process in setup.processes() {
                next.process[process].cut |= next.process[process].life != Life::Down;
            }
            steps.fault("the database is away for all", WORLD, NOBODY, next, 0);
        }
        if self.quiet(setup) {
            self.time_steps(setup, steps);
        }
    }

    fn wire_steps(&self, setup: &Setup, place: usize, steps: &mut Steps) {
        let request = self.request[place];
        let mut next = *self;
        let losses = next.receive(setup, place);
        let text = if next.platform.revoked == self.platform.revoked {
            "the platform receives R"
        } else {
            "the platform receives a used token and revokes the grant: R"
        };
        steps.add(text, WORLD, request.token, next, losses);
        if matches!(next.request[place].wire, Wire::Answered(_)) {
            next.request[place].wire = Wire::Gone;
            steps.fault("the answer is lost, to R", WORLD, request.token, next, losses);
        }
        let mut next = *self;
        if request.open {
            next.request[place].wire = Wire::Gone;
        } else {
            next.request[place] = Request::default();
        }
        steps.fault("the request is lost: R", WORLD, request.token, next, 0);
        if request.open {
            let mut next = *self;
            next.request[place].wire = Wire::Answered(Reply::TryLater);
            steps.fault("the platform answers: try later", WORLD, NOBODY, next, 0);
        }
    }

    /// The platform takes a request and answers.
    fn receive(&mut self, setup: &Setup, place: usize) -> Losses {
        let request = self.request[place];
        let (token, grant_no) = (request.token, self.platform.grant_of[request.token as usize]);
        let stands = self.platform.revoked & (1 << grant_no) == 0;
        let mut losses = 0;
        let reply = match (self.platform.state[token as usize], setup.kind) {
            _ if !stands => Reply::Refused,
            (_, Kind::NotRotating) => Reply::Pair(token),
            (Token::Live, kind) => {
                self.turn(grant_no, Token::Forgiven, Token::Retired);
                self.platform.state[token as usize] = if kind.forgives() {
                    Token::Forgiven
                } else {
                    Token::Retired
                };
                if grant_no == self.row.grant_no {
                    self.times.grace_over = false;
                }
                Reply::Pair(self.platform.grant(grant_no))
            }
            (Token::Forgiven, Kind::SamePair) => {
                let successor = self
                    .platform
                    .of_grant(grant_no)
                    .filter(|token| self.platform.live(*token as u8));
                successor.max().map_or(Reply::Refused, |token| Reply::Pair(token as u8))
            }
            (Token::Forgiven, Kind::AnotherPair) => Reply::Pair(self.platform.grant(grant_no)),
            (Token::Forgiven, _) => {
                losses |= self.drops_saved(place, grant_no);
                self.turn(grant_no, Token::Live, Token::Dropped);
                Reply::Pair(self.platform.grant(grant_no))
            }
            (Token::Retired, Kind::Refuses) | (Token::Dropped | Token::Unborn, _) => Reply::Refused,
            (Token::Retired, _) => {
                if grant_no == self.row.grant_no {
                    losses |= self.held(grant_no, setup.bounds.processes);
                }
                self.platform.revoked |= 1 << grant_no;
                Reply::Refused
            }
        };
        let request = &mut self.request[place];
        if request.open {
            request.wire = Wire::Answered(reply);
        } else {
            *request = Request::default();
        }
        losses
    }

    /// A request that nobody waits for any more drops what is saved, and no spare would work.
    fn drops_saved(&self, place: usize, grant_no: u8) -> Losses {
        let saved = self.row.saved;
        let of_it = self.platform.live(saved) && self.platform.grant_of[saved as usize] == grant_no;
        let spare_works =
            (0..self.platform.tokens).any(|token| self.row.spares[token as usize] != 0 && self.platform.usable(token));
        if of_it && !self.request[place].open && !spare_works {
            bit(losses::DROPPED_BY_OURSELVES)
        } else {
            0
        }
    }

    fn turn(&mut self, grant_no: u8, from: Token, to: Token) {
        for token in self.platform.of_grant(grant_no) {
            if self.platform.state[token] == from {
                self.platform.state[token] = to;
            }
        }
    }

    fn merchant_steps(&self, setup: &Setup, steps: &mut Steps) {
        let stands = self.platform.revoked & (1 << self.row.grant_no) == 0;
        if stands && !self.row.erased {
            let mut next = *self;
            next.platform.revoked |= 1 << next.row.grant_no;
            steps.fault("the merchant removes the app at the platform", WORLD, NOBODY, next, 0);
        }
        if self.reauthorizations > 0 && !self.row.erased {
            let mut next = *self;
            next.reauthorizations -= 1;
            let token = next.platform.grant(self.row.grant_no + 1);
            next.row.grant_again(token);
            if !setup.holds(Clause::GrantClearsLease) {
                (next.row.lease, next.row.owner) = (self.row.lease, self.row.owner);
            }
            next.had |= 1 << token;
            next.times.access = FRESH;
            next.times.grace_over = false;
            steps.add("the merchant authorizes again: R", WORLD, token, next, 0);
        }
        if self.revocations > 0 {
            let mut next = *self;
            next.revocations -= 1;
            next.row.erase();
            next.platform.revoked = u8::MAX;
            steps.add("the store is revoked", WORLD, NOBODY, next, 0);
        }
    }

    fn time_steps(&self, setup: &Setup, steps: &mut Steps) {
        let travels = self.request.iter().any(|request| request.wire == Wire::Travelling);
        let ended = self.row.dead || self.row.erased;
        if self.times.access < EXPIRED && !ended && (self.times.access == DUE || !travels) {
            let mut next = *self;
            next.times.access += 1;
            let expired = next.times.access == EXPIRED;
            let text = if expired {
                "the access token expires"
            } else {
                "the access token is due"
            };
            steps.add(text, WORLD, NOBODY, next, 0);
        }
        self.grace_steps(setup, steps);
        if self.row.lease != 0 {
            self.lease_steps(setup, travels, steps);
        }
        self.long_wait(steps);
    }

    fn grace_steps(&self, setup: &Setup, steps: &mut Steps) {
        let forgiven = |token: u8| self.platform.state[token as usize] == Token::Forgiven;
        let any = (0..self.platform.tokens).any(forgiven);
        // Sent with a whole call left of the grace, so it arrives within it.
        let on_its_way = self
            .request
            .iter()
            .any(|request| request.wire == Wire::Travelling && forgiven(request.token));
        if any && setup.kind.ends_by_time() && !(on_its_way && setup.holds(Clause::GraceMargin)) {
            let mut next = *self;
            for state in next
                .platform
                .state
                .iter_mut()
                .filter(|state| **state == Token::Forgiven)
            {
                *state = Token::Retired;
            }
            next.times.grace_over = true;
            steps.add("the grace ends", WORLD, NOBODY, next, 0);
        }
        let used = self.times.access < EXPIRED && !self.row.dead && self.platform.live(self.row.saved);
        if any && setup.kind == Kind::UntilFirstUse && used {
            let mut next = *self;
            next.turn(
                self.platform.grant_of[self.row.saved as usize],
                Token::Forgiven,
                Token::Retired,
            );
            steps.add("a call uses the saved access token", WORLD, NOBODY, next, 0);
        }
    }

    fn lease_steps(&self, setup: &Setup, travels: bool, steps: &mut Steps) {
        let waits = setup.processes().any(|process| {
            let own = &self.process[process];
            let holds = (own.attempt, own.grant_no) == (self.row.lease, self.lease_grant);
            self.runs(process) && own.stage == Stage::Sent && holds
        });
        if self.times.lease == RUNNING && !waits {
            let mut next = *self;
            next.times.lease = PAST;
            for process in &mut next.process {
                process.in_time = false;
            }
            steps.add("the lease is past, attempt", WORLD, self.row.lease, next, 0);
        }
        // A request is processed or gone by then; the wait counts only while somebody reaches the database.
        if self.times.lease == PAST && !travels && setup.processes().any(|process| self.reaches(process)) {
            let mut next = *self;
            next.times.lease = WAITED;
            steps.add("60 s more are over, attempt", WORLD, self.row.lease, next, 0);
        }
    }

    /// Free where no answer is held out of sight. Else somebody stays away for longer than `LLAVERO_JOURNAL_WAIT`, which no
    /// protocol can close: not explored.
    fn long_wait(&self, steps: &mut Steps) {
        let of_lease = self.row.lease != 0 && self.times.lease == WAITED && self.row.owner != 0;
        let of_takeover =
            self.row.unsettled && !self.times.waited_long && (self.row.lease == 0 || self.times.lease >= WAITED);
        if (of_lease || of_takeover) && !self.answer_is_held() {
            let mut next = *self;
            next.times.waited_long = self.row.unsettled;
            if self.times.lease == WAITED {
                next.times.lease = LONG_PAST;
            }
            steps.add("the long wait is over", WORLD, NOBODY, next, 0);
        }
    }
}
