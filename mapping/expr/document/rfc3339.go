package document

// parseRFC3339 reads a time such as 2026-03-14T09:26:53.120+01:00 as unix milliseconds; further digits are dropped.
// The letters may be small, and second 60 is a leap second, which is the first one of the next minute.
func parseRFC3339(s []byte) (ms int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' ||
		s[16] != ':' {
		return 0, false
	}
	year, month, day := decimal(s[0:4]), decimal(s[5:7]), decimal(s[8:10])
	hour, minute, second := decimal(s[11:13]), decimal(s[14:16]), decimal(s[17:19])
	millis, rest := fraction(s[19:])
	east, ok := zone(rest)
	if !ok || year|month|day|hour|minute|second|millis < 0 || month < 1 || month > 12 || day < 1 || hour > 23 ||
		minute > 59 || second > 60 {
		return 0, false
	}
	if day > 28 && day > daysIn(year, month) {
		return 0, false
	}
	if month < 3 { // years that begin in March have the leap day at their end
		year, month = year-1, month+12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + day - 719469
	return (((days*24+hour)*60+minute)*60+second-east)*1000 + millis, true
}

func daysIn(year, month int64) int64 {
	switch {
	case month != 2:
		return 30 + (month+month>>3)&1
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
}

// decimal is the number that the digits write, below zero where one is not a digit.
func decimal(digits []byte) (n int64) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// fraction reads the milliseconds of a fraction of a second, and gives what stands behind it: nothing where it has no
// digits.
func fraction(s []byte) (millis int64, rest []byte) {
	if s[0] != '.' {
		return 0, s
	}
	i, unit := 1, int64(100)
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		millis += int64(s[i]-'0') * unit
		unit /= 10
	}
	if i == 1 {
		return 0, nil
	}
	return millis, s[i:]
}

// zone gives the seconds east of Greenwich.
func zone(s []byte) (int64, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := decimal(s[1:3]), decimal(s[4:6])
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours|minutes >= 0 && hours < 24 && minutes < 60
}
