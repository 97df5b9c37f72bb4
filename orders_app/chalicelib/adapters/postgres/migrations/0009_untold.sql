-- Messages that were not surely sent: few, and the sweeper looks for alerts among them every minute.
CREATE INDEX notifications_untold ON notifications (channel, claimed_at) WHERE state <> 'sent';
