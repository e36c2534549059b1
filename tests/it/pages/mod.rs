//! What a merchant meets, from the link to the way back.

mod breaking_off;
mod callbacks;
mod choice;
mod deliver;
mod demo_webhooks;
mod ecartapi;
mod endings;
mod finishing;
mod forms;
mod handshake;
mod installs;
mod named_installs;
mod one_address;
mod one_window;
mod permanent;
mod platform_trouble;
mod reauthorization;
mod reconnect;
mod return_url;
mod same_store;
mod secrets;
mod stateless;
mod taking_over;
