"""What the tests share: daemons to talk to, guests to boot, terminals to type into."""
